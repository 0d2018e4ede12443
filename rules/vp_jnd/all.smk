"""VP-JND (TCSVT 2025): everything of this paper under one name."""


rule vp_jnd:
    """All tables and figures of VP-JND, and its networks."""
    input:
        rules.tabulate_vp_jnd.output,
        expand(rules.plot_vp_jnd_figures.output, data=vp_jnd_inputs.data),
        rules.check_vp_jnd_quiz.output if VP_JND["quiz_folder"] else [],
        trainings=vp_jnd_inputs.trainings(),
