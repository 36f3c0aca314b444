r"""From the command line's words to a verb's function, and from errors to one line."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentError
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyg_moleblend
from pyg_moleblend.cli.errors import line_of, speak_utf8
from pyg_moleblend.cli.plugins import OPTION, load_plugin, take_plugins
from pyg_moleblend.runtime.ranks import forget_start

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

VERBS = {
    "prepare": "turn a table of any size into a folder to train from",
    "corpus": "make the pretraining corpus from published molecules, without those of the benchmarks",
    "check": "look for what is wrong with molecules, labels and a split, before training",
    "split": "split molecules into training, validation and test, by a named rule",
    "pretrain": "train a model by blend-then-predict, on molecules without labels",
    "fit": "fit a model of properties in seconds to minutes, by kernels on fingerprints and an encoder's vectors",
    "finetune": "train a model, pretrained or not, to predict properties",
    "tune": "search settings of fine-tuning by validation, and test the best ones once",
    "predict": "predict properties of molecules",
    "embed": "compute the representations of molecules",
    "explain": "split predictions into what comes of the atoms and of each relation",
    "evaluate": "measure a model on labelled molecules, or how well it recovers relations",
    "export": "write a fine-tuned model as one file for other programs, ONNX say",
    "push": "upload a model to the Hugging Face hub, with a card made from its run",
    "report": "write what came of a run as a page to look at",
    "quantum": "label molecules by quantum chemistry, to pretrain on",
    "convert": "turn a checkpoint of the authors' release into a model folder",
}
POSITIONAL = (
    *("prepare", "check", "split", "fit", "predict", "embed", "explain", "evaluate", "export", "push"),
    *("report", "quantum", "convert"),
)
SHARED = ("predict", "embed", "evaluate")  # verbs whose molecules the processes that torchrun starts share out
TRAINING = ("pretrain", "finetune")  # they find out by themselves which process they are in
_KEY = re.compile(r"Group '(?P<group>[^']+)' does not accept option '(?P<key>[^']+)'|Option '(?P<option>[^']+)' is not")
CONFIG_FILE = "config.yaml"
PLUGINS_FILE = "plugins.json"
MAY_CHANGE = ("machine", "out", "data", "root", "seeds", "trials")
r"""Options that a run which goes on may have others of; what the data hold is compared by itself."""
TRACEBACK = "MOLEBLEND_TRACEBACK"


def main(argv: Sequence[str] | None = None) -> int:
    r"""Runs the command line.

    Args:
        argv: The words after ``moleblend``; those that the process was started with by default.

    Returns:
        The exit code: 0, 2 after an error of the user's or the machine's, which is said in one line, or 128 and the
        number of the signal that has ended it.
    """
    speak_utf8()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return 0 if words else 2
    if words[0] == "--version":
        print(pyg_moleblend.__version__)
        return 0
    verb = words[0]
    try:
        if verb not in VERBS:
            raise ValueError(f"unknown verb {verb!r}; there are {', '.join(VERBS)}")
        run_verb(verb, words[1:])
    except SystemExit as stop:  # after --help
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads the results has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        line = line_of(error)
        if line is None or os.environ.get(TRACEBACK):
            raise
        print(f"moleblend {verb}: error: {line}", file=sys.stderr)
        return 2
    return 0


def run_verb(verb: str, words: Sequence[str]) -> None:
    r"""Parses a verb's words and runs it; a verb that fills a folder leaves its whole configuration there."""
    from jsonargparse import Namespace

    plugins, words = take_plugins(words)
    for plugin in plugins:
        load_plugin(plugin)
    parser, function = make_parser(verb)
    words = with_new_config(normalise(words, parser))
    try:
        config = parser.parse_args(words)
    except ArgumentError as error:
        raise ValueError(f"{error}{_meant(str(error), words, parser)}") from error
    for name in {action.dest.partition(".")[0] for action in parser._actions if "." in action.dest}:
        if not isinstance(given := config.get(name), Namespace):
            raise ValueError(f"{name} must hold options, got {given!r}: give it some, or leave it out")
    arguments = parser.instantiate(config).as_dict()
    arguments.pop("config")
    if arguments.pop("plugin") is not None:
        raise ValueError(
            f"a plugin is code: name it on the command line, {OPTION} FILE.py, not in a configuration file"
        )
    if "keep_config" in function.__annotations__:
        if "resume" in config:
            config.resume = False  # the file is to start the run again, in another folder say
        text = parser.dump(config)
        arguments["keep_config"] = lambda folder, resume: _keep(folder, text, resume)
    launched = "TORCHELASTIC_RUN_ID" in os.environ  # by torchrun
    if verb not in TRAINING and not launched:
        forget_start()
    if launched and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        if verb in SHARED:
            from pyg_moleblend.runtime.processes import join

            join()
        elif verb not in TRAINING:
            raise ValueError(
                f"{verb} is the work of one process: start it without torchrun, which shares out "
                f"{', '.join((*TRAINING, *SHARED))}"
            )
    function(**arguments)


def make_parser(verb: str) -> tuple[ArgumentParser, Callable[..., None]]:
    r"""The parser of a verb and the function it is for."""
    from jsonargparse import ArgumentParser, set_parsing_settings

    # A configuration file is data. Else {class_path: NAME} in it would import a module and call what it names.
    set_parsing_settings(import_path_denylist=["*"], instantiate_subclass_spec_in_any=False)
    function = import_module(f"pyg_moleblend.cli.{verb}").run
    usage = f"moleblend {verb} [options]" if verb not in POSITIONAL else None
    parser = ArgumentParser(prog=f"moleblend {verb}", usage=usage, exit_on_error=False)
    parser.add_argument("--config", action="config", help="YAML file with options; those given after it win")
    parser.add_argument(OPTION, help="Python file or module that registers components of your own; can be repeated")
    parser.add_function_arguments(function, as_positional=verb in POSITIONAL, skip={"keep_config"})
    return parser, function


def normalise(words: Sequence[str], parser: ArgumentParser) -> list[str]:
    r"""``--some-option`` as ``--some_option``, and a switch alone as ``--switch=true``."""
    switches = {f"--{action.dest}" for action in parser._actions if getattr(action, "_typehint", None) is bool}
    normal = []
    for number, word in enumerate(words):
        if word.startswith("--") and len(word) > 2:
            name, equals, value = word.partition("=")
            name = name.replace("-", "_").replace("__", "--", 1)
            following = words[number + 1].lower() if number + 1 < len(words) else ""
            if name in switches and not equals and following not in ("true", "false"):
                equals, value = "=", "true"
            word = name + equals + value
        normal.append(word)
    return normal


def with_new_config(words: Sequence[str]) -> list[str]:
    r"""The words, a configuration file of the first format being replaced by its content in today's words."""
    changed = list(words)
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        path = value if equals else (words[number + 1] if number + 1 < len(words) else "")
        if name == "--config" and os.path.isfile(path) and (content := updated_config(path)):
            changed[number] = f"--config={content}"
            if not equals:
                changed[number + 1] = ""
    return [word for word, before in zip(changed, words, strict=True) if word or not before]


def updated_config(path: str) -> str:
    r"""A configuration file of the first format in today's words, as JSON; empty if it is not of the first format."""
    import json

    from pyg_moleblend.runtime.open_file import TooLongError, read_yaml

    try:
        content = read_yaml(path)
    except TooLongError:
        raise
    except ValueError:  # for the parser to say
        return ""
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict):
        return ""
    from pyg_moleblend.checkpoints.old_format import PRETRAINING_KEYS, options_of

    if not PRETRAINING_KEYS & set(model):
        return ""
    shape = {key: value for key, value in model.items() if key not in PRETRAINING_KEYS}
    return json.dumps({**content, "model": shape, **options_of(model)})


def _meant(error: str, words: Sequence[str], parser: ArgumentParser) -> str:
    r"""What a mistyped option or key may have been meant to be, as the end of the parser's message; empty for other
    errors."""
    if found := _KEY.search(error):
        group, key = found["group"] or "", found["key"] or found["option"]
        prefix = f"{group}." if group else ""
        names = [action.dest[len(prefix) :] for action in parser._actions if action.dest.startswith(prefix)]
        hidden = ("help", "config", OPTION[2:], "print_config", "print_shtab")
        valid = sorted({name.partition(".")[0] for name in names}.difference(hidden))
        near = get_close_matches(key.partition(".")[0], valid, 1)
        return f"{f'; did you mean {near[0]}?' if near else ''}; there are {', '.join(valid)}"
    if not error.startswith(("unrecognized arguments", "ambiguous option")):
        return ""
    known = [option for action in parser._actions for option in action.option_strings]
    for word in words:
        option = word.partition("=")[0]
        near = get_close_matches(option, known, 1)
        if option.startswith("--") and option not in known and near:
            return f"; did you mean {near[0]}?"
    return ""


def _keep(folder: Any, text: str, resume: bool) -> None:
    r"""Leaves the configuration of a run in its folder, and what its plugins are; those of a run that goes on have to
    be what is there."""
    import json

    import yaml

    from pyg_moleblend.cli.plugins import plugin_digests
    from pyg_moleblend.runtime.files import atomic_write
    from pyg_moleblend.runtime.open_file import content_named, read_json, read_yaml
    from pyg_moleblend.training.folder import changes_between

    path = os.path.join(folder, CONFIG_FILE)
    if resume and os.path.isfile(path):
        with content_named(path):
            kept, now = read_yaml(path), yaml.safe_load(text)
            found, wanted = (
                {key: value for key, value in content.items() if key not in MAY_CHANGE} for content in (kept, now)
            )
            precisions = [content.get("machine", {}).get("precision") for content in (kept, now)]
        if changes := "; ".join(changes_between(found, wanted)):
            raise ValueError(
                f"the run in {folder} was begun with other options: {changes}. Resume it with those of {path} "
                "(--config), or start another in another folder"
            )
        if precisions[0] != precisions[1]:
            changed = f"was begun with the precision {precisions[0]}, and goes on with {precisions[1]}"
            print(f"the run in {folder} {changed}", file=sys.stderr)
        plugins = os.path.join(folder, PLUGINS_FILE)
        if os.path.isfile(plugins) and read_json(plugins) != plugin_digests():
            raise ValueError(
                f"the run in {folder} was begun with plugins of another content ({OPTION}): resume it with those, or "
                "start another in another folder"
            )
        return
    with atomic_write(path, "w") as file:
        file.write(text)
    with atomic_write(os.path.join(folder, PLUGINS_FILE), "w") as file:
        json.dump(plugin_digests(), file)


def _overview() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb.ljust(width)}  {summary}" for verb, summary in VERBS.items()]
    return "\n".join(
        [
            "usage: moleblend VERB [options]",
            "",
            "2D + 3D molecular pretraining by blend-then-predict, and what comes after it.",
            "",
            *lines,
            "",
            "moleblend VERB --help tells a verb's options. All of them can stand in a YAML file, --config FILE;",
            "pretrain and finetune leave theirs beside the results, to be used again. MOLEBLEND_TRACEBACK=1 shows",
            "where an error comes from.",
        ]
    )
