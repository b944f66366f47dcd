//! How much a model of the hub would bring, asked before it is fetched.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use egui::{Context, RichText, Ui};

use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::model::ModelRef;
use crate::model::source::download_size;

/// Bytes, or why they are not known.
pub type Size = Result<u64, Arc<str>>;

/// The model of the hub that is named, where one is.
pub fn on_hub(text: &str) -> Option<ModelRef> {
    let reference: ModelRef = text.trim().parse().ok()?;
    matches!(reference.base(), ModelRef::Hub { .. }).then_some(reference)
}

/// What the button says that opens a model of the hub.
pub fn verb(size: Option<&Size>) -> String {
    match size {
        Some(Ok(0)) => "Open".to_owned(),
        Some(Ok(bytes)) => format!("Fetch ({})", megabytes(*bytes)),
        _ => "Fetch and open".to_owned(),
    }
}

/// Why the size is not known, where that is so.
pub fn unknown_ui(ui: &mut Ui, size: Option<&Size>) {
    if let Some(Err(why)) = size {
        let text = format!("Its size is not known: {why}");
        ui.label(RichText::new(text).small().weak());
    }
}

/// Whole ones, where there are some.
fn megabytes(bytes: u64) -> String {
    match bytes as f64 / 1e6 {
        few if few < 10. => format!("{few:.1} MB"),
        many => format!("{many:.0} MB"),
    }
}

/// The size of the model that was named last.
#[derive(Default)]
pub struct Sizes {
    /// What is named, and since when in seconds.
    named: Option<(ModelRef, f64)>,
    coming: Option<(ModelRef, Cancel, Receiver<Size>)>,
    found: Option<(ModelRef, Size)>,
}

impl Sizes {
    /// A name is asked for once it has stood still for so many seconds: while it is being typed it is of
    /// other models.
    const STILL: f64 = 0.8;

    /// None while it is not known yet.
    pub fn of(&mut self, ctx: &Context, engine: &Engine, model: &ModelRef) -> Option<Size> {
        let heard = self
            .coming
            .take_if(|(_, _, receiver)| match receiver.try_recv() {
                Ok(size) => {
                    self.found = Some((model.clone(), size));
                    true
                }
                Err(_) => false,
            });
        if let (Some((of, ..)), Some(found)) = (heard, &mut self.found) {
            found.0 = of;
        }
        if let Some((of, size)) = &self.found
            && of == model
        {
            return Some(size.clone());
        }
        let now = ctx.input(|input| input.time);
        let named = self.named.as_ref().filter(|(of, _)| of == model);
        let since = named.map_or(now, |(_, since)| *since);
        self.named = Some((model.clone(), since));
        let left = since + Self::STILL - now;
        if left > 0. {
            ctx.request_repaint_after(Duration::from_secs_f64(left));
        } else {
            self.ask(ctx, engine, model);
        }
        None
    }

    fn ask(&mut self, ctx: &Context, engine: &Engine, model: &ModelRef) {
        if let Some((of, cancel, _)) = &self.coming {
            if of == model {
                return;
            }
            cancel.cancel();
        }
        let (sender, receiver) = channel();
        let (cancel, sources) = (Cancel::new(), engine.sources().clone());
        self.coming = Some((model.clone(), cancel.clone(), receiver));
        let (model, ctx) = (model.clone(), ctx.clone());
        engine.spawn(move || {
            let size = download_size(&model, &sources, &cancel);
            // Another may be named by then.
            let _ = sender.send(size.map_err(|error| error.to_string().into()));
            ctx.request_repaint();
        });
    }
}

impl Drop for Sizes {
    /// Nobody waits for it any more.
    fn drop(&mut self) {
        if let Some((_, cancel, _)) = &self.coming {
            cancel.cancel();
        }
    }
}
