"""The benchmark's protocols are the field's, every method is given the same picture, and a cut run goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import convolve, gaussian_filter, shift

from bench import __main__ as command
from bench import methods, rows, run, summary
from bench.cases import Case, case, in_8_bits, luma
from bench.child import Job
from bench.rows import Row
from bench.works import WORKS, work
from ipse.errors import OptionError, PictureError, RunError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two gray pictures and one in colour, in a folder each protocol can take."""
    draw = np.random.default_rng(1)
    (tmp_path / "small").mkdir()
    ramp = np.linspace(40, 210, 48, dtype=np.float64)
    for name, shape in (("a", (48, 48)), ("b", (48, 48)), ("c", (40, 48, 3))):
        base = np.broadcast_to(ramp if len(shape) == 2 else ramp[None, :, None], shape)
        pixels = (base + draw.normal(0, 1, shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "small" / f"{name}.png")
    return tmp_path


def one(data: Path, name: str, picture: str = "a") -> Case:
    return case(work(f"{name}@small"), data / "small" / f"{picture}.png")


def fake(job: Job) -> Row:
    """What a measurement would give, without one."""
    path = Path(job.path)
    with Image.open(path) as image:
        size = f"{image.width}x{image.height}x{len(image.getbands())}"
    name = size if job.kind == "reference" else path.stem
    return Row(
        work=job.work, case=name, method=job.method, kind=job.kind, seed=job.seed, size=size, psnr=30.0,
        seconds=2.0, cpu_seconds=2.0, memory=100.0, steps=10, best_psnr=30.5 if job.kind == "stops" else None,
    )  # fmt: skip


def plan(data: Path, *names: str, **changes: object) -> run.Plan:
    made = run.Plan([work("denoise25@small")], [methods.Method(name) for name in names], data)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_every_work_of_the_list_is_known() -> None:
    assert [work(name).name for name in WORKS] == list(WORKS)
    assert (work("jpeg10@mine").kind, work("jpeg10@mine").level, work("jpeg10@mine").folder) == (
        "jpeg",
        10,
        "mine",
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("denoize25", "did you mean denoise25"),
        ("upscale9", "from 2 to 8"),
        ("denoise", "denoise25"),
        ("camera3", "camera"),
    ],
)
def test_an_unknown_work_is_refused_with_the_near_one(name: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        work(name)


def test_an_unknown_peer_or_preset_is_refused_with_the_near_one() -> None:
    with pytest.raises(OptionError, match="did you mean biharmonic"):
        methods.chosen("good", "biharmonix")
    with pytest.raises(OptionError, match="did you mean good"):
        methods.chosen("god", "none")


def test_the_command_says_in_one_line_what_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        command.main(["--data", str(tmp_path), "--works", "denoise25", "--out", str(tmp_path / "x.csv")]) == 2
    )
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "set9" in said[0]


def test_a_choice_that_leaves_nothing_is_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--data", str(data), "--works", "denoise25@small", "--only", "zebra"]) == 2
    assert "'zebra' leaves no picture" in capsys.readouterr().err


def test_luma_goes_from_16_to_235() -> None:
    extremes = np.zeros((3, 1, 2))
    extremes[..., 1] = 1
    assert np.allclose(255 * luma(extremes), [[[16, 235]]])


def test_upscaling_is_compared_in_luma_inside_the_border() -> None:
    clean = np.full((3, 20, 20), 100 / 255)
    it = Case("x", "upscale", in_8_bits(clean), clean, border=4, luma=True)
    outside, inside = clean.copy(), clean.copy()
    outside[:, :4], outside[:, :, -4:] = 0, 1
    assert it.psnr(outside) > 100
    inside[:, 4:-4, 4:-4] += 10 / 255
    assert it.psnr(inside) == pytest.approx(-20 * np.log10(10 / 255 * 219 / 255), abs=1e-6)


def test_psnr_and_ssim_of_what_is_known(data: Path) -> None:
    it = one(data, "denoise25", "c")
    assert it.psnr(it.clean + 0.1 * np.where(it.clean < 0.5, 1, -1)) == pytest.approx(20, abs=1e-6)
    assert it.ssim(it.clean) == pytest.approx(1)
    assert (it.ssim(it.damaged) or 1) < 0.9
    tiny = Case("x", "denoise", in_8_bits(it.clean[:, :8, :8]), it.clean[:, :8, :8])
    assert tiny.ssim(tiny.clean) is None


@pytest.mark.parametrize("name", ["denoise25", "poisson30", "inpaint50", "jpeg10"])
def test_the_damage_is_the_same_whenever_it_is_done(data: Path, name: str) -> None:
    assert np.array_equal(one(data, name).damaged, one(data, name).damaged)


def test_noise_has_the_level_that_the_work_names(data: Path) -> None:
    it = one(data, "denoise10")
    assert np.std(it.damaged - it.clean) == pytest.approx(10 / 255, rel=0.05)
    photons = one(data, "poisson30")
    error = (photons.damaged - photons.clean) * np.sqrt(30 / photons.clean)
    assert np.std(error) == pytest.approx(1, rel=0.05)


def test_so_many_pixels_are_missing_and_the_others_are_right(data: Path) -> None:
    it = one(data, "inpaint80")
    known = it.options["mask"]
    assert 1 - known.mean() == pytest.approx(0.8, abs=0.03)
    assert np.allclose(it.damaged[:, known], it.clean[:, known], atol=1e-6)
    assert not it.damaged[:, ~known].any()


def test_what_belongs_to_a_picture_must_be_there(data: Path) -> None:
    (data / "small" / "hr").mkdir()
    (data / "small" / "a.png").rename(data / "small" / "hr" / "a.png")
    with pytest.raises(PictureError, match=r"ax4\.png is not there"):
        case(work("upscale4@small"), data / "small" / "hr" / "a.png")


def test_a_cut_run_goes_on_and_again_begins_anew(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "rows.csv"
    wanted = plan(data, "damaged", "bm3d", only="a,c", reference=False)
    wanted = replace(wanted, methods=wanted.methods[:1])
    first = list(run.run(wanted, out))
    assert [row.case for row in first if isinstance(row, Row)] == ["a", "c"]
    assert [row.psnr for row in first if isinstance(row, Row)] == pytest.approx(
        [one(data, "denoise25", name).psnr(one(data, "denoise25", name).damaged) for name in "ac"]
    )
    assert list(run.run(wanted, out)) == []
    assert len(list(run.run(replace(wanted, only="c"), out, again=True))) == 1
    assert len(rows.read(out)) == 2


def test_a_step_of_the_recipe_is_timed_once_a_size(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "measured", fake)
    found = [row for row in run.run(plan(data, "good"), tmp_path / "x.csv") if isinstance(row, Row)]
    assert [row.case for row in found if row.kind == "reference"] == ["48x48x1", "48x40x3"]
    assert list(run.run(plan(data, "good"), tmp_path / "x.csv")) == []


def test_a_measurement_that_fails_does_not_end_the_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(job: Job) -> Row:
        if job.path.endswith("a.png"):
            raise RunError("a: it broke")
        return fake(job)

    monkeypatch.setattr(run, "measured", broken)
    assert run.told(run.run(plan(data, "tv"), tmp_path / "x.csv")) == 1
    assert "a: it broke" in capsys.readouterr().err
    assert {row.case for row in rows.read(tmp_path / "x.csv").values()} == {"b", "c"}


def test_rows_come_back_as_they_were_and_a_torn_last_line_does_not_count(tmp_path: Path) -> None:
    out, row = (
        tmp_path / "rows.csv",
        Row(work="w", case="a,b", method="m", kind="result", seed=1, size="1x1x1", psnr=1.5),
    )
    rows.append(out, row)
    rows.append(out, replace(row, psnr=2.5))
    assert list(rows.read(out).values()) == [replace(row, psnr=2.5)]
    with out.open("a") as file:
        file.write("w,c,m,resu")
    assert len(rows.read(out)) == 1
    rows.append(out, replace(row, case="d"))
    assert {row.case for row in rows.read(out).values()} == {"a,b", "d"}
    out.write_text("a,b\n1,2\n")
    with pytest.raises(PictureError, match="other columns"):
        rows.read(out)


def test_the_summary_says_ratio_stops_and_seeds(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seeded(job: Job) -> Row:
        return replace(fake(job), psnr=30.0 + 0.1 * job.seed)

    monkeypatch.setattr(run, "measured", seeded)
    wanted = plan(data, "good", "damaged", seeds=3, stops=True)
    found = [row for row in run.run(wanted, tmp_path / "x.csv") if isinstance(row, Row)]
    ours, damaged = summary.lines(found, "denoise25@small")
    assert (ours.pictures, ours.psnr, ours.seconds) == (3, pytest.approx(30.1), 2.0)
    assert ours.ratio == pytest.approx(10.0)
    assert (ours.loss, ours.worst_loss) == (pytest.approx(0.5), pytest.approx(0.5))
    assert (ours.spread, ours.worst_spread) == (pytest.approx(0.2), pytest.approx(0.2))
    assert (damaged.ratio, damaged.spread) == (None, None)
    assert "10 steps of 2.00 s" in summary.report(found)


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from bench.plot import plot

    base = Row(work="w", case="a", method="good", kind="result", seed=0, size="1x1x1", psnr=30.0, seconds=1.0)
    plot([base, replace(base, method="damaged", psnr=20.0), replace(base, work="v")], tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert image.width > image.height


def test_a_blur_is_compared_after_alignment_and_its_kernel_is_told_the_right_way_round(
    tmp_path: Path,
) -> None:
    draw = np.random.default_rng(3)
    sharp = gaussian_filter(draw.normal(size=(90, 90)), 1.5)
    sharp = np.round(255 * (sharp - sharp.min()) / np.ptp(sharp)) / 255
    k = np.zeros((5, 5))
    k[1, 1:4], k[4, 4] = 1, 2
    y = convolve(sharp, k / k.sum(), mode="nearest")
    (tmp_path / "levin").mkdir()
    for name, one in (("im1", sharp), ("kernel2", k[::-1, ::-1] / 2), ("im1_kernel2_img", y)):
        Image.fromarray(np.round(255 * one).astype(np.uint8)).save(tmp_path / "levin" / f"{name}.png")
    known, blind = work("deblur"), work("blind")
    (path,) = known.paths(tmp_path)
    made = case(known, path)
    np.testing.assert_allclose(made.options["psf"], k / 2, atol=1 / 255)
    assert not case(blind, path).options
    assert made.psnr(np.roll(made.clean, (3, -2), (1, 2))) > 100
    assert made.psnr(shift(made.clean, (0, 1.5, -0.25), order=3, mode="nearest")) > 35
