"""Many pictures through the command: exit codes, summaries, kills, Ctrl-C."""

import json
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
import stubs

from ipse.batch import restore_many
from ipse.batch.records import read
from ipse.cli import main
from ipse.runs.receipt import Receipt
from ipse.settings import Settings


@pytest.mark.usefixtures("folder")
def test_a_folder_is_restored_and_said_in_one_line(capsys):
    assert main(["smooth", "in", "-o", "out", "--steps", "3"]) == 0
    err = capsys.readouterr().err
    assert err.splitlines()[-1] == "3 restored, 1 other files; see out/ipse-manifest.jsonl"
    assert err.count("\n") == 4
    assert main(["smooth", "in", "-o", "out", "--steps", "3", "--quiet", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["earlier"] * 3


@pytest.mark.usefixtures("folder")
def test_a_failure_is_the_exit_code_and_the_summary(capsys):
    Path("in/broken.png").write_bytes(b"broken")
    assert main(["smooth", "in/*.png", "-o", "out", "--steps", "3", "--quiet"]) == 1
    assert "in/broken.png" in capsys.readouterr().err
    assert main(["smooth", "in", "-o", "out", "--steps", "3"]) == 1
    assert "3 done before, 1 failed" in capsys.readouterr().err
    assert len(stubs.outputs("out")) == 3


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["in"], ["-o"]),
        (["in", "-o", "-"], ["-o"]),
        (["in", "-", "-o", "out"], ["standard input"]),
        (["in", "gone.png", "-o", "out"], ["gone.png"]),
        (["in/*.bmp", "-o", "out"], ["in/*.bmp"]),
        (["in", "in/0.png", "-o", "in/0.png"], ["in/0.png", "is a file"]),
        (["in", "-o", "out", "--resume"], ["--resume"]),
        (["in", "-o", "out", "--checkpoint", "x"], ["--checkpoint"]),
        (["in", "-o", "in", "--suffix", ""], ["in/0.png", "--suffix"]),
        (["in", "-o", "out", "--suffix", "a/b"], ["a/b"]),
        (["in/0.png", "-o", "out", "--watch"], ["in/0.png", "folder"]),
        (["in", "-o", "in/0.png/out"], ["in/0.png/out"]),
        (["in", "-o", "out", "--threads", "0"], ["threads must be 1 or more", "got 0"]),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(args, words, capsys):
    before = sorted(Path().rglob("*"))
    assert main(["smooth", *args]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert [word for word in words if word not in err] == []
    assert sorted(Path().rglob("*")) == before


@pytest.mark.usefixtures("folder")
def test_what_the_command_has_done_the_library_knows():
    assert main(["smooth", "in", "-o", "out", "--steps", "3", "--quiet"]) == 0
    given = {"task": "smooth", "output": "out", "settings": Settings(steps=3)}
    assert [one.state for one in restore_many(["in"], **given)] == ["earlier"] * 3
    given["options"] = {"kind": "two"}
    assert [one.state for one in restore_many(["in"], **given)] == ["done"] * 3


@pytest.mark.usefixtures("folder")
def test_one_file_with_a_flag_of_several_goes_into_a_folder():
    assert main(["smooth", "in/0.png", "-o", "out", "--steps", "3", "--threads", "1", "-q"]) == 0
    assert Receipt.read(Path("out/0_ipse.png.ipse.json")).threads == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_what_ends_the_run_loses_only_the_fit_under_way(folder, number, code, monkeypatch):
    slow = ("smooth", "in", "-o", "out", "--steps", "16", "--wait", "0.05", "--checkpoint-every", "0")
    process = stubs.start(*slow, cwd=folder)
    stubs.wait_until(
        lambda: len(stubs.outputs("out")) == 1 and list(Path("out/.ipse").glob("1*.checkpoint")), process
    )
    process.send_signal(number)
    said = stubs.finish(process)
    assert said[0] == code, said
    assert "Traceback" not in said[2]
    if number == signal.SIGINT:
        assert "1 restored, 2 left" in said[2]
    assert [one.state for one in read(Path("out/ipse-manifest.jsonl"))] == ["done"]
    monkeypatch.setattr("time.sleep", lambda _: None)  # what was slow to be ended may be quick now
    assert main([*slow, "--quiet"]) == 0
    assert [one.state for one in read(Path("out/ipse-manifest.jsonl"))] == ["done"] * 3
    assert not list(Path("out").rglob(".*"))
    assert main(["smooth", "in", "-o", "whole", "--steps", "16", "--wait", "0.05", "--quiet"]) == 0
    assert stubs.outputs("out") == stubs.outputs("whole")


def test_a_watch_ends_at_ctrl_c_with_the_summary(folder):
    process = stubs.start("smooth", "in", "-o", "out", "--steps", "2", "--watch", cwd=folder)
    stubs.wait_until(lambda: len(stubs.outputs("out")) == 3, process)
    stubs.noisy(folder / "in" / "late.png", seed=5)
    stubs.wait_until(
        lambda: len(stubs.outputs("out")) == 4 and len(read(Path("out/ipse-manifest.jsonl"))) == 4, process
    )
    process.send_signal(signal.SIGINT)
    code, _, err = stubs.finish(process)
    assert code == 0, err
    assert err.splitlines()[-1].startswith("4 restored")


@pytest.mark.usefixtures("folder")
def test_a_terminal_gets_a_table(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("ipse.cli.table.EVERY", 0.0)
    Path("in/broken.png").write_bytes(b"broken")
    assert main(["smooth", "in", "-o", "out", "--steps", "3"]) == 1
    err = capsys.readouterr().err
    assert "failed: in/broken.png" in err
    assert "3 restored, 1 failed" in err


SLURM = "partition=long,account=lab-7,walltime=2-00:00:00,workers=8,cores=4,memory=6G,gpus=1"
# Of those in https://slurm.schedmd.com/sbatch.html.
OF_SBATCH = """
    account array begin chdir constraint cpus-per-task dependency error exclude exclusive export gpus gpus-per-node
    gpus-per-task gres hint input job-name mail-type mail-user mem mem-per-cpu mem-per-gpu nice no-requeue nodelist
    nodes ntasks ntasks-per-node open-mode output partition qos requeue reservation signal time wait
"""


@pytest.mark.usefixtures("folder")
def test_the_slurm_script_is_a_script_of_known_options(capsys):
    Path("in").rename("in put")
    args = ["smooth", "in put", "-o", "out put", "--steps", "3", "--slurm", SLURM, "--dry-run"]
    assert main(args) == 0
    text = capsys.readouterr().out
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    told = dict(re.findall(r"^#SBATCH --([\w-]+)=(.+)$", text, re.MULTILINE))
    assert set(told) <= set(OF_SBATCH.split())
    assert (told["partition"], told["time"], told["ntasks"], told["cpus-per-task"], told["mem-per-cpu"]) == (
        "long", "2-00:00:00", "8", "4", "1536M",
    )  # fmt: skip
    assert "GPU=1" in text
    (line,) = [line for line in text.splitlines() if " smooth " in line]
    words = shlex.split(line.partition(" -m ipse ")[2])
    assert words[:8] == ["smooth", "--output", "out put", "--steps", "3", "--scheduler", "$file", "--threads"]
    assert words[9:] == ["--", "in put", "&"]
    assert not Path("out put").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("partion=x", "partition"),
        ("workers=many", "many"),
        ("walltime=soon", "soon"),
        ("memory=4X", "4X"),
        ("partition=a b;rm", "a b;rm"),
        ("cores=0", "cores"),
        ("workers=2", "sbatch is not installed here"),
    ],
)
def test_what_slurm_would_not_take_is_refused(asked, word, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert main(["smooth", "in", "-o", "out", "--slurm", asked]) == 2
    err = capsys.readouterr().err
    assert word in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("folder")
def test_a_script_is_handed_to_sbatch(tmp_path, capsys, monkeypatch):
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text("#!/bin/bash\ncat > got\necho Submitted batch job 7\n")
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sbatch.parent}:/bin:/usr/bin")
    assert main(["smooth", "in", "-o", "out", "--slurm", "workers=2"]) == 0
    assert "job 7" in capsys.readouterr().err
    assert Path("got").read_text().startswith("#!/bin/bash\n#SBATCH --job-name=ipse-smooth\n")
    sbatch.write_text("#!/bin/bash\necho 'invalid partition' >&2\nexit 1\n")
    assert main(["smooth", "in", "-o", "out", "--slurm", "workers=2"]) == 1
    assert "invalid partition" in capsys.readouterr().err
