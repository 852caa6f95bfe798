"""The files that tools/facts.py makes of the rows of the functions, of docstrings and of the emulator's marks."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/reference/functions.md"
RESUME = "| `HcsResumeComputeSystem` | `ComputeSystem.resume` | yes | yes |"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the tool reads and writes."""
    for folder in ("hcsrt", "tools", "docs", "tests/data"):
        ignored = shutil.ignore_patterns("*.so", "*.pyd", "*.cpp", "__pycache__", "performance", "windows")
        # The default, copy2, takes CopyFile2() of Windows, and Wine's ends the interpreter.
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored, copy_function=shutil.copyfile)
    return tmp_path


def run(root: Path, command: str) -> subprocess.CompletedProcess[str]:
    # Without the folder of facts, which is not everywhere.
    arguments = [sys.executable, str(root / "tools" / "facts.py"), command, "--shared", str(root / "no-facts")]
    return subprocess.run(arguments, capture_output=True, text=True, encoding="utf-8", timeout=120)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), "utf-8")


def page(tree: Path) -> str:
    """The page as the tool makes it, which has to have said that it was another one."""
    done = run(tree, "check")
    assert (done.returncode, done.stderr) == (1, f"{PAGE}: not what `tools/facts.py write` makes\n")
    assert run(tree, "write").returncode == 0
    assert run(tree, "check").returncode == 0
    return (tree / PAGE).read_text("utf-8")


def test_the_files_are_as_written() -> None:
    done = run(ROOT, "check")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_new_name_comes_into_the_page(tree: Path) -> None:
    assert RESUME in (tree / PAGE).read_text("utf-8")
    edit(tree / "hcsrt/system.py", "def resume(", "def hold(")
    assert RESUME.replace(".resume`", ".hold`") in page(tree)


@pytest.mark.slow
def test_a_verb_that_the_emulator_has_no_more_comes_into_the_page(tree: Path) -> None:
    edit(tree / "hcsrt/emulator/systems.py", '@verb("HcsResumeComputeSystem")', '@verb("NobodyAsks")')
    assert RESUME.removesuffix("yes |") + "`E_NOTIMPL` |" in page(tree)


@pytest.mark.slow
def test_a_verb_that_shares_its_method_comes_into_the_page(tree: Path) -> None:
    edit(tree / "hcsrt/emulator/systems.py", '@verb("HcsResumeComputeSystem")', '@verb("NobodyAsks")')
    edit(
        tree / "hcsrt/emulator/systems.py",
        '@verb("HcsSaveComputeSystem")',
        '@verb("HcsSaveComputeSystem", "HcsSubmitWerReport")',
    )
    text = page(tree)
    assert "`ComputeSystem.resume` | yes | `E_NOTIMPL` |" in text
    assert "`service.submit_wer_report` | yes | yes |" in text


@pytest.mark.slow
def test_a_new_meaning_or_class_of_a_code_comes_into_the_page_of_errors(tree: Path) -> None:
    edit(tree / "hcsrt/_codes.py", '"There is no compute system of this id"', '"Nobody *is* called so"')
    edit(tree / "hcsrt/errors.py", "HCS_E_SYSTEM_NOT_FOUND: SystemNotFoundError", "HCS_E_SYSTEM_NOT_FOUND: StateError")
    assert run(tree, "check").stderr == "docs/reference/errors.md: not what `tools/facts.py write` makes\n"
    assert run(tree, "write").returncode == 0
    assert run(tree, "check").returncode == 0
    _, _, text = (tree / "docs/reference/errors.md").read_text("utf-8").partition("(HCS_E_SYSTEM_NOT_FOUND)=")
    assert "\nNobody \\*is\\* called so.\n" in text.partition("###")[2].partition("###")[0]
    assert text.index("`hcsrt.StateError`") < text.index("###", 60)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            '"ComputeSystem.start_live_migration"',
            '"ComputeSystem.resume"',
            "ComputeSystem.resume does not tell of HcsAdd",
        ),
        ('"ComputeSystem.start_live_migration"', '"operations.add_resource"', "operations.add_resource without CHOSEN"),
        ('    "HcsGetOperationId",\n', '    "HcsGetOperationIds",\n', "NATIVE has HcsGetOperationIds"),
    ],
    ids=["a name of another function", "a name that needs no choice", "a function that is in no row"],
)
def test_a_choice_that_is_wrong_is_refused(tree: Path, before: str, after: str, said: str) -> None:
    edit(tree / "tools/functions.py", before, after)
    done = run(tree, "check")
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "said"), [(PAGE, "All {} functions"), ("docs/reference/abi.md", "`HCSRT_LEVEL`, {} today")]
)
def test_a_wrong_count_is_mended_and_a_lost_one_refused(tree: Path, path: str, said: str) -> None:
    text = (tree / path).read_text("utf-8")
    (level,) = re.findall(r"#define HCSRT_LEVEL (\d+)", (tree / "hcsrt/include/hcsapi.h").read_text("utf-8"))
    edit(tree / path, said.format(level), said.format(7))
    assert run(tree, "check").stderr == f"{path}: not what `tools/facts.py write` makes\n"
    assert run(tree, "write").returncode == 0
    assert (tree / path).read_text("utf-8") == text
    edit(tree / path, said.format(level), "Some functions")
    assert f"{path}: says 0 times" in run(tree, "check").stderr
