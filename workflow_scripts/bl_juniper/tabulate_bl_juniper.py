"""RD points, weighted quality and QP maps in; the paper's tables out."""

from pathlib import Path

from jndlab.datasets.jnd_labels import read_labels
from jndlab.media.clip import clip_from_text
from jndlab.papers.bl_juniper import findings, tables
from jndlab.papers.bl_juniper import weighted_quality as weighted
from jndlab.quality.points import by_method, over_seeds, read_points, seeds_of, with_seeds
from jndlab.report.compare import with_verdicts
from jndlab.report.tables import LIST_FORMATS, write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    stem = stems(snakemake.output)
    points = read_points(given.points)
    at_targets = points[points["qp"].isin(params.qps)]
    jnd3 = {
        name: read_labels(path).values([name])[0, 2]
        for name, path in zip(params.clips, given.video_jnd, strict=True)
    }
    means = tables.savings_table(over_seeds(at_targets), params.anchor, jnd3)
    write_table(means, stem["savings"], caption=tables.SAVINGS_CAPTION)
    savings = tables.savings_table(by_method(at_targets), params.anchor, jnd3)

    found = weighted.read_weighted(given.weighted)
    with_weights, names = weighted.with_weighted(points, found)
    metrics = ["vmaf_mean", "psnr_y_framemean", *(n for n in names if n.startswith("wpsnr"))]
    rates = tables.bd_rates(with_weights, params.anchor, metrics, params.interpolation)
    plain = ", ".join(f"QP {qp}" for qp in params.plain_qps) or "none"
    write_table(rates, stem["bd_rate"], caption=tables.BD_RATE_CAPTION.format(plain=plain))

    headline = tables.headline_table(savings, rates)
    comparison = tables.headline_comparison(headline)
    caption = with_verdicts(tables.HEADLINE_CAPTION, comparison)
    write_table(headline, stem["headline"], caption=caption)
    write_table(comparison, stem["headline_comparison"], caption=caption)

    equal_rate = weighted.equal_rate_table(points, found, params.anchor)
    equal_rate = by_method(with_seeds(equal_rate, seeds_of(points)))
    four = dict.fromkeys(["value", "plain_value", "gain", "mean_gain", "low", "high"], ".4f")
    shared = {"caption": weighted.CAPTION, "float_formats": four}
    write_table(equal_rate, stem["equal_rate"], formats=LIST_FORMATS, **shared)
    summary = weighted.equal_rate_summary(equal_rate)
    write_table(summary, stem["plain_qp_increase"], **shared)
    found = findings.findings_table(savings, equal_rate)
    four = dict.fromkeys(["mean", "ci_low", "ci_high"], ".4f")
    write_table(found, stem["answers"], caption=findings.CAPTION, float_formats=four)

    clips = {name: clip_from_text(text) for name, text in params.clips.items()}
    maps = {tuple(key): Path(path) for key, path in zip(params.maps, given.qp_maps, strict=True)}
    write_table(tables.block_qp_table(maps, clips), stem["block_qps"], caption=tables.QPS_CAPTION)


run(main, snakemake)
