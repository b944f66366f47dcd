//! The summands of a text, worked out once for each trace.

use std::sync::Arc;

use egui::{RichText, Ui};

use crate::analysis::embedding::{Residual, residual, row_norms, sum};
use crate::app::export::table::cell;
use crate::model::Model;
use crate::model::spec::Project;
use crate::tokens::Tokens;
use crate::trace::{EmbedSite, Site, Trace};
use crate::views::ViewContext;
use crate::views::subject::{Subject, bulk_scale, fresh_key, largest_of, note_ui};
use crate::widgets::{Scale, Theme, number};

/// One [T, n] value on the way into the first layer: n is E, the tables' width, up to the sum.
pub struct Stage {
    pub title: &'static str,
    /// Where its numbers are recorded; for the sum, what is made of it.
    pub site: Site,
    /// What stands in front of it in the equation.
    pub sign: &'static str,
    /// n
    pub size: usize,
    /// [T, n]
    pub values: Vec<f32>,
    /// [T]
    pub norms: Vec<f64>,
    /// For these values alone.
    own: Scale,
}

impl Stage {
    fn new(
        title: &'static str,
        sign: &'static str,
        site: EmbedSite,
        values: Vec<f32>,
        norms: Vec<f64>,
    ) -> Self {
        Self {
            site: Site::Embed(site),
            size: values.len().checked_div(norms.len()).unwrap_or(0),
            title,
            sign,
            own: bulk_scale(&values),
            values,
            norms,
        }
    }

    /// Its own, and the other text's where that is beside it.
    pub fn scale(&self, ui: &Ui, cx: &ViewContext<'_>) -> Scale {
        cx.common_scale(ui, ("embedding", self.title), self.own)
    }
}

/// Token, position and type (what the model has of them), their sum, and the sum normed.
pub struct Stages {
    pub tokens: Arc<Tokens>,
    pub labels: Vec<String>,
    /// The summands and their sum, on one scale.
    pub summed: Vec<Stage>,
    scale: Scale,
    /// The value of largest magnitude among them.
    pub largest: f32,
    /// `embed.out`, on a scale of its own.
    pub out: Stage,
    /// None while the weights are out of reach, and where a product stands in between.
    residual: Option<Residual>,
    /// What turns the sum into `embed.out`.
    norm: bool,
    project: Project,
    trace: Arc<Trace>,
    key: u64,
}

impl Stages {
    pub fn of(trace: &Arc<Trace>, model: &Model) -> Self {
        let tokens = trace.tokens.clone();
        let stage = |title, sign, site| {
            let values = trace.values(Site::Embed(site))?;
            let norms = row_norms(&values);
            let values = values.flat().into_owned();
            Some(Stage::new(title, sign, site, values, norms))
        };
        let spec = model.spec();
        let factor = spec.embed_scale;
        let mut summed: Vec<Stage> = [
            stage("token", "", EmbedSite::Token),
            stage("position", "+", EmbedSite::Position),
            stage("type", "+", EmbedSite::Type),
        ]
        .into_iter()
        .flatten()
        .collect();
        let width = summed.first().map_or(0, |stage| stage.size);
        let values = sum(trace, factor).unwrap_or_default();
        let lengths = norms(&values, width);
        let title = if factor == 1. { "sum" } else { "scaled sum" };
        summed.push(Stage::new(title, "=", EmbedSite::Out, values, lengths));
        let (norm, project) = (spec.embed_norm, spec.project);
        let sign = match (norm, project) {
            (true, Project::None) => "norm →",
            (true, Project::AfterNorm) => "norm, product →",
            (true, Project::BeforeNorm) => "product, norm →",
            (false, Project::None) => "→",
            (false, _) => "product →",
        };
        let out = stage("embed.out", sign, EmbedSite::Out);
        let none = || Stage::new("embed.out", sign, EmbedSite::Out, Vec::new(), Vec::new());
        let out = out.unwrap_or_else(none);
        let table = model.embed_norm();
        let found = match norm && table.is_none() {
            true => None,
            false => residual(trace, table.as_ref(), factor),
        };
        Self {
            labels: tokens.labels.clone(),
            scale: bulk_scale(summed.iter().flat_map(|stage| &stage.values)),
            largest: largest_of(summed.iter().flat_map(|stage| &stage.values)),
            residual: found,
            norm,
            project,
            trace: trace.clone(),
            key: fresh_key(),
            tokens,
            summed,
            out,
        }
    }

    pub fn is_of(&self, trace: &Arc<Trace>) -> bool {
        Arc::ptr_eq(&self.trace, trace)
    }

    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// Names these values for textures.
    pub fn key(&self) -> u64 {
        self.key
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// In the order of the equation.
    pub fn all(&self) -> impl Iterator<Item = &Stage> {
        self.summed.iter().chain([&self.out])
    }

    /// The scale of the stage at this place in the equation.
    pub fn scale(&self, ui: &Ui, cx: &ViewContext<'_>, index: usize, shared: bool) -> Scale {
        match self.summed.get(index) {
            Some(_) if shared => self.shared_scale(ui, cx),
            Some(stage) => stage.scale(ui, cx),
            None => self.out.scale(ui, cx),
        }
    }

    /// Of the summands and their sum.
    pub fn shared_scale(&self, ui: &Ui, cx: &ViewContext<'_>) -> Scale {
        cx.common_scale(ui, "embedding", self.scale)
    }

    /// Whether the summands account for what enters the first layer.
    pub fn account_ui(&self, ui: &mut Ui) {
        let theme = Theme::of(ui);
        if self.project != Project::None {
            let about = "The tables are narrower than the stream: a product stands between the sum and embed.out, which is not repeated here.";
            note_ui(ui, about);
            return;
        }
        let Some(residual) = self.residual else {
            note_ui(
                ui,
                "The weights are on another device, so norm(sum) cannot be checked against embed.out here.",
            );
            return;
        };
        let (token, dimension) = residual.at;
        let text = format!(
            "residual max |{} − embed.out| = {}, at [{token}, {dimension}]",
            if self.norm { "norm(sum)" } else { "sum" },
            number(residual.largest)
        );
        if residual.is_exact() {
            note_ui(ui, text);
        } else {
            let text = format!("{text}: these summands do not explain what enters layer 0");
            ui.label(RichText::new(text).color(theme.error()));
        }
    }

    /// The lengths, one row for each token; `side` names whose they are.
    pub fn tsv(&self, side: &str) -> String {
        let titles: Vec<String> = self.all().map(|s| format!("|{}|", s.title)).collect();
        let mut out = format!("token of {side}\tpiece\t{}\n", titles.join("\t"));
        for (t, label) in self.labels.iter().enumerate() {
            let figures = self
                .all()
                .map(|s| s.norms.get(t).copied().unwrap_or(f64::NAN));
            let figures: Vec<String> = figures.map(|x| x.to_string()).collect();
            let label = cell(label);
            out += &format!("{t}\t{label}\t{}\n", figures.join("\t"));
        }
        out
    }
}

fn norms(values: &[f32], size: usize) -> Vec<f64> {
    let rows = values.chunks_exact(size.max(1));
    rows.map(|row| {
        row.iter()
            .map(|&x| f64::from(x).powi(2))
            .sum::<f64>()
            .sqrt()
    })
    .collect()
}

/// The token to look into: the focused or locked one, else the first of the text itself.
pub fn selected(cx: &ViewContext<'_>, subject: &Subject, stages: &Stages) -> usize {
    let own = stages.tokens.special.iter().position(|special| !special);
    let chosen = subject
        .focused(cx)
        .or(subject.locked(cx))
        .filter(|&t| t < stages.len());
    chosen.or(own).unwrap_or(0)
}
