"""Tables and figures of LASeR-JND (TCSVT 2024) and MTJND (ICIP 2023), and everything of each under its name."""

JND_NETWORK_PAPERS = {"laser_jnd": "LASeR-JND", "mtjnd": "MTJND"}


for paper, title in JND_NETWORK_PAPERS.items():

    rule:
        """Tabulate the errors and costs of a paper's networks, compared with the printed ones."""
        name:
            f"tabulate_{paper}"
        input:
            predictions=f"<results>/{paper}/predictions.csv",
            costs=f"<results>/{paper}/costs.csv",
            printed=f"config/published/{paper}/headline.csv",
            points=jnd_method_points(paper),
            predicted=jnd_method_predictions(paper),
        output:
            *(table(f"{paper}/tables/{name}") for name in jnd_tables(paper)),
            *(
                report(
                    f"{RESULTS}/{paper}/tables/{name}.html",
                    caption="../../report/jnd_networks/tables.rst",
                    category=JND_REPORT,
                    subcategory=title,
                    labels={"table": label},
                )
                for name, label in jnd_tables(paper).items()
            ),
            checks=table(f"{paper}/checks/networks"),
            checks_html=report(
                f"<results>/{paper}/checks/networks.html",
                caption="../../report/jnd_networks/checks.rst",
                category=JND_REPORT,
                subcategory=title,
                labels={"table": "checks of the networks"},
            ),
        log:
            f"<logs>/tabulate_{paper}.log",
        benchmark:
            f"<benchmarks>/tabulate_{paper}.tsv"
        conda:
            "../../envs/tables.yaml"
        params:
            paper=paper,
            tables=lambda wildcards, output: str(Path(output[0]).parent),
            names=list(jnd_tables(paper)),
            metadata=jnd_metadata(),
        script:
            "../../workflow_scripts/jnd_networks/tabulate_jnd_network.py"

    rule:
        """Plot the predictions of a paper's networks."""
        name:
            f"plot_{paper}"
        input:
            predictions=f"<results>/{paper}/predictions.csv",
            curves=jnd_curves(paper),
        output:
            *(figure_data(f"{paper}/figures/{name}") for name in jnd_figures()),
            *(
                report(
                    f"{RESULTS}/{paper}/figures/{name}.png",
                    caption="../../report/jnd_networks/figures.rst",
                    category=JND_REPORT,
                    subcategory=title,
                    labels={"figure": label},
                )
                for name, label in jnd_figures().items()
            ),
        log:
            f"<logs>/plot_{paper}.log",
        benchmark:
            f"<benchmarks>/plot_{paper}.tsv"
        conda:
            "../../envs/tables.yaml"
        params:
            figures=lambda wildcards, output: str(Path(output[0]).parent),
            metadata=jnd_metadata(),
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
            trainings=jnd_trainings(paper),
