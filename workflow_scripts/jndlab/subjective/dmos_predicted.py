"""DMOS predicted from VMAF, for where nobody has rated: never a rating, always named so.

Mapping: VMAF's authors map the aggregated opinion "bad" to about 20 and "excellent" to 100
(Netflix, `vmaf` repository, resource/doc/models.md) and advise VMAF / 20 for five grades (issue
929 there). As a loss against the source, whose VMAF is 100:

    dmos_predicted = (100 - VMAF) / 20, at most 4

0 means "as good as the source", 4 the whole scale, as `dmos` of the rating tables. The mapping is
linear: a BD-rate under predicted MOS (5 - dmos_predicted) is that under VMAF and adds nothing.

Uncertainty: 75 clips of the public ratings AVT-VQDB-UHD-1, test 1 (Rao et al., IEEE ISM 2019: five
grades, 29 people; the first 15 codings, H.264 and HEVC, of each of five contents; the sixth is
left out, its frames are not aligned in the published scores, PSNR 16 dB at 40 Mbit/s) differ from
VMAF / 20 by 0.65 grades (root mean square), by 0.39 for VMAF of 60 and more; a whole content is
off by up to 1 grade. The ratings are of single clips on 4K screens, not of pairs: a double
stimulus test may shift further. Differences between codings of one content are safer than values.
"""

from __future__ import annotations

from jndlab.errors import UserError

DMOS_PREDICTED_RMSE = 0.65  # grades, over all qualities
DMOS_PREDICTED_RMSE_GOOD = 0.39  # grades, for VMAF of 60 and more
VMAF_PER_GRADE = 20.0
WORST = 4.0  # five grades from "imperceptible" to "very annoying"
CAPTION = (
    "dmos_predicted = (100 - VMAF) / 20 is predicted, not rated: 0 as good as the source, 4 worst; "
    f"root mean square error {DMOS_PREDICTED_RMSE} grades on 75 rated clips of AVT-VQDB-UHD-1 "
    f"({DMOS_PREDICTED_RMSE_GOOD} for VMAF of 60 and more)."
)


def dmos_predicted(vmaf: float) -> float:
    """Predicted loss of opinion in grades, 0 (as good as the source) to 4, from VMAF 0 to 100.

    NaN stays NaN. Raises UserError outside 0 to 100.
    """
    if vmaf < 0 or vmaf > 100:
        raise UserError(f"{vmaf} is no VMAF score.", expected="a number from 0 to 100")
    return min((100.0 - vmaf) / VMAF_PER_GRADE, WORST) if vmaf == vmaf else vmaf
