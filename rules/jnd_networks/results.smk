"""Tables and figures of LASeR-JND (TCSVT 2024) and MTJND (ICIP 2023), and everything of each under its name."""

for paper, title in {"laser_jnd": "LASeR-JND", "mtjnd": "MTJND"}.items():
    names = {"paper": paper, "paper_name": title}

    rule:
        """Tabulate the errors and costs of a paper's networks, compared with the printed ones."""
        name:
            f"tabulate_{paper}"
        input:
            predictions=f"<results>/{paper}/predictions.csv",
            costs=f"<results>/{paper}/costs.csv",
            reconstructions=f"<results>/{paper}/reconstructions.csv",
            printed=expand(f"config/published/{paper}/{{table}}.csv", table=["headline", "conditions"]),
            points=jnd_network_inputs.points(paper),
            predicted=jnd_network_inputs.predictions(paper),
            trainings=jnd_network_inputs.files(paper),
        output:
            **outputs_of("jnd_networks", "tabulate_{paper}", parts=jnd_network_inputs.parts(paper), **names),
        conda:
            "../../envs/tables.yaml"
        params:
            paper=paper,
            metadata=jnd_network_inputs.metadata(),
        script:
            "../../workflow_scripts/jnd_networks/tabulate_jnd_network.py"

    rule:
        """Plot the predictions of a paper's networks."""
        name:
            f"plot_{paper}"
        input:
            predictions=f"<results>/{paper}/predictions.csv",
            curves=jnd_network_inputs.files(paper, "metrics.csv"),
        output:
            **outputs_of("jnd_networks", "plot_{paper}", parts=jnd_network_inputs.parts(paper), **names),
        conda:
            "../../envs/tables.yaml"
        params:
            metadata=jnd_network_inputs.metadata(),
        script:
            "../../workflow_scripts/jnd_networks/plot_jnd_network.py"

    rule:
        """All tables and figures of a paper of JND networks, and its trainings."""
        name:
            paper
        input:
            rules.jnd_frames.input,
            getattr(rules, f"tabulate_{paper}").output,
            getattr(rules, f"plot_{paper}").output,
            f"{RESULTS}/{paper}/figures/pictures.png",
            trainings=jnd_network_inputs.files(paper),
