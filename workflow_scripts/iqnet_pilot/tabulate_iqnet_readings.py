"""RD points and choices of readings in; Table IV next to the printed one and its agreement out."""

from pathlib import Path

import pandas as pd

from jndlab.files import read_json
from jndlab.papers.iqnet.readings import (
    BAR,
    agreement,
    cells,
    cells_of_readings,
    readings_table,
)
from jndlab.quality.points import read_points
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params, stem = snakemake.params, stems(snakemake.output)
    given = snakemake.input
    readings = {
        name: {**levers, "steps": read_json(summary)["steps"], **read_json(chosen)}
        for (name, levers), summary, chosen in zip(
            params.levers.items(), given.summaries, given.statistics, strict=True
        )
    }
    measured = pd.concat(
        pd.read_csv(path).assign(method=Path(path).stem) for path in given.measured
    )
    table = cells_of_readings(measured, params.names, params.contents)
    of_readings = agreement(table)
    if given.points:
        points = read_points(given.points)
        delayed = cells(points, params.names, params.codec, params.anchor)
        table = pd.concat([table, delayed[delayed["configuration"] == "LDP"]])
    content = f"codec {params.codec}, sequences decoded from coded streams, not the paper's"
    write_table(
        table,
        stem["pilot_table4"],
        caption=f"IQNet Table IV on other content ({content}): drop of PSNR Y (dB), saving (%) at "
        "equal QP and VMAF of the prefiltered video, next to the printed values of IQNet.",
    )
    write_table(
        agreement(table),
        stem["pilot_agreement"],
        caption=f"How the pattern over sequences and QPs agrees with the printed Table IV "
        f"({content}). r and rho: correlation of savings over the cells; differences: ours less "
        "printed; 95 % intervals over sequences.",
    )
    write_table(
        readings_table(of_readings, readings),
        stem["readings"],
        caption=f"Readings of IQNet's rules, a training each, all intra ({content}). `lacks` names "
        f"what is missing of the bar: saving of {BAR['saving_pct']:g} % or more, PSNR drop of "
        f"{BAR['psnr_drop_db']:g} dB or less, prefiltered VMAF of {BAR['vmaf_p']:g} or more (a "
        f"single picture has 97 against itself), r of {BAR['r']:g} or more with the printed cells.",
    )


run(main, snakemake)
