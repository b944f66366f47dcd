//! Exports of the window: what a panel shows at this moment, asked for by its menu.

use std::path::PathBuf;

use egui::{Context, vec2};

use super::offscreen::Offscreen;
use super::report::{self, Run};
use super::{Content, Export, Format, file};
use crate::app::chrome::columns::{PICTURE_COLUMN, columns};
use crate::app::dialogs::Purpose;
use crate::app::state::{Beside, ScoreMethod};
use crate::app::{App, Outcome};
use crate::views;
use crate::widgets::theme::SPACE;

impl App {
    pub(in crate::app) fn ask_export(&mut self, export: Export) {
        let name = self.export_name(export);
        self.dialogs.ask_with(Purpose::Export(export), name);
    }

    /// `attention-L3-head7-A.svg`
    fn export_name(&mut self, export: Export) -> String {
        let ending = export.format.ending();
        let part = match export.format {
            Format::Npy => Some(export.part),
            Format::Csv | Format::Tsv => export.part.checked_sub(1),
            _ => None,
        };
        let side = match views::find(export.panel) {
            Some(panel) if views::difference::is_shown(panel, self.state.difference) => {
                "-A-B".to_owned()
            }
            Some(panel) if panel.one_text && self.state.columns() == Some(Beside::Texts) => {
                "-A-and-B".to_owned()
            }
            Some(panel) if panel.one_text && self.state.columns() == Some(Beside::Models) => {
                format!("-{}-two-models", self.state.side.name())
            }
            Some(panel) if panel.one_text => format!("-{}", self.state.side.name()),
            _ => String::new(),
        };
        if let (Some(part), Some(model)) = (part, self.engine.model()) {
            let focus = self.state.locked;
            let (mut panels, _) = self.panels(&model, focus);
            let array = panels.arrays(export.panel).into_iter().nth(part);
            if let Some(array) = array {
                return format!("{}{side}.{ending}", array.name.replace(['/', ' '], "-"));
            }
        }
        let (layer, head) = (self.state.layer + 1, self.state.head + 1);
        let place = match export.panel {
            "attention" => match self.shown_mean() {
                Some(mean) => format!("-{mean}"),
                None => format!("-L{layer}-head{head}"),
            },
            "feed_forward" => format!("-L{layer}"),
            "score" => format!("-{}", method_name(self.state.score_method)),
            _ => String::new(),
        };
        format!("{}{place}{side}.{ending}", export.panel)
    }

    /// What a mean over heads is called, where one stands in the place of a head.
    fn shown_mean(&mut self) -> Option<String> {
        let model = self.engine.model()?;
        let focus = self.state.locked;
        let (mut panels, _) = self.panels(&model, focus);
        let array = panels.arrays("attention").into_iter().next()?;
        // In columns the names begin with their side.
        let name = array.name.rsplit('/').next()?;
        let name = name.trim_end_matches(".a_minus_b");
        name.contains(".mean").then(|| name.to_owned())
    }

    /// Takes a copy of what the panel shows and writes it away from the window.
    pub(in crate::app) fn export(&mut self, ctx: &Context, mut export: Export, path: PathBuf) {
        let (path, format) = named(path, export.format);
        if format != export.format {
            (export.format, export.part) = (format, 0);
        }
        let content = match self.content(ctx, export) {
            Ok(content) => content,
            Err(why) => return self.notices.error(why),
        };
        let title = views::find(export.panel).map_or(export.panel, |panel| panel.title);
        self.job(move || {
            let bytes = content.bytes(format, title);
            let written = bytes
                .and_then(|bytes| file::write(&path, &bytes).map_err(|error| error.to_string()));
            match written {
                Ok(()) => Outcome::Done(format!("Saved {}", path.display())),
                Err(error) => Outcome::Failed(error),
            }
        });
    }

    /// What the panel shows now.
    ///
    /// # Errors
    /// A sentence where there is nothing to export.
    pub(in crate::app) fn content(
        &mut self,
        ctx: &Context,
        export: Export,
    ) -> Result<Content, String> {
        if !export.format.is_picture() {
            return self.figures(export);
        }
        let size = self.painted.get(export.panel).copied();
        let mut size = size.unwrap_or(vec2(1000., 700.)).max(vec2(240., 160.));
        let columns = views::find(export.panel).map(|panel| columns(panel, &self.state));
        if columns.is_some_and(|columns| columns.len() > 1) {
            // Both are in it, also where one stands above the other in the window.
            size.x = size.x.max(2. * (PICTURE_COLUMN + 3. * SPACE));
        }
        let dark = ctx.global_style().visuals.dark_mode;
        let mut off = Offscreen::new(dark);
        off.remember(ctx);
        let picture = off.whole(size, |ui| self.picture_ui(ui, export.panel));
        Ok(Content::Picture(Box::new(picture)))
    }

    /// What the panel has in numbers.
    ///
    /// # Errors
    /// A sentence where it has none.
    pub(in crate::app) fn figures(&mut self, export: Export) -> Result<Content, String> {
        let model = self.engine.model();
        let model = model.ok_or("There is nothing to export yet; wait for the model to load.")?;
        let focus = self.state.locked;
        let (mut panels, _) = self.panels(&model, focus);
        let Export { format, part, .. } = export;
        let panel = views::find(export.panel);
        let panel = panel.ok_or_else(|| format!("There is no panel {}.", export.panel))?;
        let title = panel.title;
        if matches!(format, Format::Csv | Format::Tsv) && part == 0 {
            let table = panels.tsv(panel.id).map(Content::Table);
            return table.ok_or(format!("{title} has no figures to export as it stands."));
        }
        let mut arrays = panels.arrays(panel.id);
        match format {
            Format::Safetensors => {}
            Format::Npy => arrays = arrays.into_iter().skip(part).take(1).collect(),
            _ => arrays = arrays.into_iter().skip(part - 1).take(1).collect(),
        }
        if !arrays.is_empty() {
            return Ok(Content::Arrays(arrays));
        }
        Err(match panels.tsv(panel.id) {
            Some(_) => {
                format!("{title} has no arrays to export as it stands; CSV holds its figures.")
            }
            None => format!("{title} has no figures to export as it stands."),
        })
    }

    /// Makes a report of the texts and choices of now, on a thread of its own.
    pub(in crate::app) fn save_report(&mut self, path: PathBuf) {
        let Some(model) = self.engine.model() else {
            let why = "There is nothing to report yet; wait for the model to load.";
            return self.notices.error(why);
        };
        let path = match path.extension() {
            None => path.with_extension("html"),
            Some(_) => path,
        };
        // The newest wish wins.
        self.cancel_report();
        let run = Run::default();
        self.report = Some(run.clone());
        let (state, sender) = (self.state.clone(), self.outcomes.0.clone());
        self.engine.spawn_apart(move || {
            let ended = report::write(model, state, &path, &run).map(|made| made.then_some(path));
            // The window may have been closed meanwhile; then nobody listens.
            let _ = sender.send(Outcome::Report(ended));
        });
    }

    pub(in crate::app) fn cancel_report(&mut self) {
        if let Some(run) = self.report.take() {
            run.cancel();
        }
    }

    pub(in crate::app) fn end_report(&mut self, ended: Result<Option<PathBuf>, String>) {
        match ended {
            Ok(Some(path)) => self.notices.info(format!("Saved {}", path.display())),
            // Given up; another may be under way.
            Ok(None) => return,
            Err(why) => self.notices.error(why),
        }
        self.report = None;
    }
}

/// The path with an ending, and the format that goes with it: a known ending that was typed counts
/// for more than what the menu said.
pub(in crate::app) fn named(path: PathBuf, format: Format) -> (PathBuf, Format) {
    match Format::of(&path) {
        Ok(typed) => (path, typed),
        Err(_) => {
            let mut name = path.into_os_string();
            name.push(format!(".{}", format.ending()));
            (name.into(), format)
        }
    }
}

fn method_name(method: ScoreMethod) -> &'static str {
    match method {
        ScoreMethod::Pairs => "pairs",
        ScoreMethod::Input => "input",
        ScoreMethod::LeaveOneOut => "loo",
        ScoreMethod::Shapley => "shapley",
        ScoreMethod::Integrated => "integrated",
        ScoreMethod::Components => "components",
        ScoreMethod::Dimensions => "dimensions",
        ScoreMethod::Layers => "layers",
        ScoreMethod::Ablation => "ablation",
        ScoreMethod::Contrast => "contrast",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_ending_counts_and_a_missing_one_is_put_on() {
        let of = |path: &str| named(path.into(), Format::Svg);
        assert_eq!(of("a.png"), ("a.png".into(), Format::Png));
        assert_eq!(of("a"), ("a.svg".into(), Format::Svg));
        assert_eq!(of("layer.2"), ("layer.2.svg".into(), Format::Svg));
    }
}
