"""VP-JND (TCSVT 2025): everything of this paper under one name."""


rule vp_jnd:
    """All tables and figures of VP-JND, and its networks."""
    input:
        rules.tabulate_vp_jnd.output,
        expand(rules.plot_vp_jnd_figures.output, data=VP_JND_DATA),
        rules.check_vp_jnd_quiz.output if VP_JND_QUIZ else [],
        trainings=[
            f"{RESULTS}/models/vp_jnd/{network}_{data}_{split}/summary.json"
            for network in VP_JND_TRAINED
            for data, splits in VP_JND_SPLITS.items()
            for split in splits
        ],
