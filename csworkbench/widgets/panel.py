"""The panel: controls, what they do to the result, Reset, and Save, which shows the change of the file first."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from markupsafe import Markup

from csworkbench import changes, formats, views
from csworkbench.charts.markup import displayed
from csworkbench.config import Section, by_file, changed, preview, save
from csworkbench.errors import WorkbenchError
from csworkbench.estimates import Message, Result, say
from csworkbench.widgets.controls import control, read, shown
from csworkbench.widgets.knobs import knobs

WAIT_S = 0.1
"""A key that is held down asks once it rests so long."""


@dataclass(frozen=True, slots=True)
class Saved:
    """Where settings are saved.

    Args:
        path: File of the settings.
        root: Project root.
        language: Language of texts and numbers.
        text: The settings in words, for readers without the panel.
    """

    path: Path
    root: Path
    language: str
    text: str


class Panel:
    """Controls beside their effect, as a widget.

    Args:
        analysis: Module of the analysis.
        inputs: What its `prepare` returned.
        config: Its settings as they are saved.
        saved: Where they are saved.
        proof: What a stored proof says of other settings: `said(before, after)` yields sentences; None without one.
    """

    def __init__(self, analysis: ModuleType, inputs: Any, config: Section, saved: Saved, proof: Any = None) -> None:
        import ipywidgets

        self._analysis, self._inputs, self._saved, self._proof = analysis, inputs, saved, proof
        self._config = self._kept = config
        self._before: Result | None = None
        self._call: asyncio.TimerHandle | None = None
        self._is_quiet, self._known = False, set[str]()
        self.knobs = {knob.key: knob for knob in knobs(config)}
        self.controls = {key: control(knob) for key, knob in self.knobs.items()}
        self.status, self.effect, self.diff = (ipywidgets.HTML() for _ in range(3))
        self.reset, self.save, self.write, self.cancel = (
            ipywidgets.Button(description=self._text(word))
            for word in (say("Reset"), say("Save"), say("Write"), say("Cancel"))
        )
        for each in self.controls.values():
            each.observe(self._turned, "value")
        for button, act in (
            (self.reset, self._reset), (self.save, self._ask), (self.write, self._write), (self.cancel, self._close),
        ):  # fmt: skip
            button.on_click(lambda _, act=act: act())
        self.box = self._laid_out()
        self._close()
        self._tell(say("As saved: turn a setting to see what it does."))

    def __repr__(self) -> str:
        """Return the settings in words."""
        return self._saved.text

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = self.box._repr_mimebundle_(**kwargs)
        return {**data, "text/plain": self._saved.text}, {"csworkbench": {"slot": "settings"}}

    @property
    def config(self) -> Section:
        """Return the settings as they are turned; the last ones that are allowed."""
        return self._config

    def _laid_out(self) -> Any:
        import ipywidgets

        groups: dict[str, list[Any]] = {}
        for key, knob in self.knobs.items():
            groups.setdefault(knob.group or self._text(say("General")), []).append(self.controls[key])
        boxes = {name: ipywidgets.VBox(each) for name, each in groups.items()}
        # Buttons: JupyterLab itself takes the arrow keys of a list in an output.
        self.group = ipywidgets.ToggleButtons(options=list(boxes), style={"button_width": "auto"})
        chosen = ipywidgets.VBox()

        def choose(_: Any) -> None:
            chosen.children = (boxes[self.group.value],) if boxes else ()

        self.group.observe(choose, "value")
        choose(None)
        buttons = ipywidgets.HBox([self.reset, self.save])
        asked = ipywidgets.HBox([self.write, self.cancel])
        head = [self.group] if len(boxes) > 1 else []
        return ipywidgets.VBox([*head, chosen, buttons, self.status, self.diff, asked, self.effect])

    def _text(self, message: Message) -> str:
        return formats.text(message, self._saved.language)

    def _tell(self, message: Message) -> None:
        self.status.value = str(Markup('<p role="status">{}</p>').format(self._text(message)))

    def _turned(self, _: Any) -> None:
        """Compute once the control rests; at once where no loop runs that could wait."""
        if self._is_quiet:
            return
        if self._call is not None:
            self._call.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.refresh()
        else:
            self._call = loop.call_later(WAIT_S, self.refresh)

    def _changes(self) -> dict[str, Any]:
        """Return the keys whose controls say something else than what is saved."""
        return {
            each: read(self.controls[key])
            for key, knob in self.knobs.items()
            if read(self.controls[key]) != shown(knob, knob.value)
            for each in (key, *knob.same)
        }

    def refresh(self) -> None:
        """Compute with the settings as they are turned, and show what became other; an error is shown in its place."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._close()
        made = self._changes()
        self.save.disabled = not made
        if not made:
            self._config, self.effect.value = self._kept, ""
            self._tell(say("As saved: turn a setting to see what it does."))
            return
        # The kernel is busy from here on; what is told before goes out all the same.
        is_new = self._before is None or not made.keys() <= self._known
        longer = say("Computing; the first time a setting is turned takes longer ...")
        self._tell(longer if is_new else say("Computing ..."))
        try:
            self._config = changed(self._kept, made)
            # An analysis may leave out what nobody looks at who turns a setting, such as files.
            analyze = getattr(self._analysis, "turn", self._analysis.analyze)
            after = analyze(self._inputs, self._config)
            if self._before is None:
                self._before = analyze(self._inputs, self._kept)
            self._known |= made.keys()
        except WorkbenchError as error:
            self.save.disabled = True
            self._fail(error)
            return
        self.effect.value = displayed(Markup("").join(self._shown(self._before, after)))
        n = len({key for key in made if key in self.knobs})
        self._tell(say("Changed, not saved: {n:n setting|settings}.", n=n))

    def _fail(self, error: WorkbenchError) -> None:
        said = Markup('<div role="alert"><p><strong>{}</strong></p><pre>{}</pre></div>')
        self.effect.value = ""
        self.status.value = str(
            said.format(self._text(say("This does not work:")), formats.printable(str(error), has_lines=True))
        )

    def _shown(self, before: Result, after: Result) -> Iterator[Markup]:
        language = self._saved.language
        compare = getattr(self._analysis, "compare", changes.compare)
        effect: changes.Change = compare(before, after)
        yield Markup('<p class="csw-verdict">{}</p>').format(formats.sentence(self._text(effect.headline)))
        for message in () if self._proof is None else self._proof.said(self._kept, self._config):
            yield Markup("<p>{}</p>").format(formats.sentence(self._text(message)))
        beside = changes.figures_beside(before, after).drop(columns="is_other")
        beside = beside.rename(columns={"before": "as_saved", "after": "as_turned"})
        title = self._text(say("Figures, as saved and as turned"))
        yield views.table(beside, title, words=("figure",), language=language).html
        for each in effect.shown:
            yield views.draw(effect.tables, each, language).html
        yield views.show(after, language).html

    def _reset(self) -> None:
        self._put({key: knob.value for key, knob in self.knobs.items()})
        self.refresh()

    def _put(self, values: Mapping[str, Any]) -> None:
        self._is_quiet = True
        for key, value in values.items():
            self.controls[key].value = shown(self.knobs[key], value)
        self._is_quiet = False

    def _files(self) -> dict[Path, dict[str, Any]]:
        return by_file(self._saved.path, self._config, self._saved.root, list(self._changes()))

    def _ask(self) -> None:
        """Show what saving would change, file by file."""
        if self._call is not None:
            self.refresh()
        if self.save.disabled:
            return
        try:
            told = "\n".join(preview(path, edits) for path, edits in self._files().items())
        except WorkbenchError as error:
            self._fail(error)
            return
        self.diff.value = str(Markup("<pre>{}</pre>").format(formats.printable(told, has_lines=True)))
        for button in (self.write, self.cancel):
            button.layout.display = ""

    def _write(self) -> None:
        try:
            files = self._files()
            for path, edits in files.items():
                save(path, edits)
        except WorkbenchError as error:
            self._fail(error)
            return
        self._close()
        self._kept, self._before = self._config, None
        self.knobs = {knob.key: knob for knob in knobs(self._kept)}
        self._put({key: knob.value for key, knob in self.knobs.items()})
        self.save.disabled = True
        names = [path.relative_to(self._saved.root).as_posix() for path in files]
        self._tell(say("Written: {files:list}. csw plan says what runs again.", files=names))

    def _close(self) -> None:
        """Put away the change of the file."""
        self.diff.value = ""
        for button in (self.write, self.cancel):
            button.layout.display = "none"
