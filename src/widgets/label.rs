//! Text on axes: measuring it, cutting it to size and choosing which labels fit.

use std::sync::Arc;

use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, FontId, Galley, Painter};

/// One line of text, cut with `…` where it is longer than `width`.
pub fn line(
    painter: &Painter,
    text: &str,
    font: &FontId,
    color: Color32,
    width: f32,
) -> Arc<Galley> {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font.clone(), color);
    job.wrap = TextWrapping::truncate_at_width(width);
    painter.layout_job(job)
}

/// The width that the longest of these labels takes, at most `cap`.
///
/// Lays out only the few that have the most characters: there may be thousands.
pub(super) fn widest(painter: &Painter, labels: &[String], font: &FontId, cap: f32) -> f32 {
    const TRIED: usize = 6;
    let mut longest: Vec<(usize, &String)> = Vec::with_capacity(TRIED + 1);
    for label in labels {
        let size = weight(label);
        if longest.len() < TRIED || size > longest[TRIED - 1].0 {
            let at = longest.partition_point(|(other, _)| *other >= size);
            longest.insert(at, (size, label));
            longest.truncate(TRIED);
        }
    }
    longest
        .iter()
        .map(|(_, label)| {
            line(painter, label, font, Color32::PLACEHOLDER, cap)
                .size()
                .x
        })
        .fold(0.0, f32::max)
        .min(cap)
}

/// The width of a text. Shaping costs some 20 µs, so where letters do not change each other's
/// shape their widths are added up; kerning makes that wrong by less than a point.
pub(super) fn width(painter: &Painter, text: &str, font: &FontId) -> f32 {
    let plain = |c: char| {
        c < '\u{300}'
            || matches!(c, '\u{370}'..'\u{590}' | '\u{2010}'..'\u{2C00}' | '\u{3000}'..'\u{A000}' | '\u{AC00}'..'\u{D7B0}')
    };
    if text.chars().all(plain) {
        painter.fonts_mut(|fonts| text.chars().map(|c| fonts.glyph_width(font, c)).sum())
    } else {
        let job = LayoutJob::simple_singleline(text.to_owned(), font.clone(), Color32::PLACEHOLDER);
        painter.layout_job(job).size().x
    }
}

/// About how wide a text is, in half ems: wide scripts count double.
fn weight(text: &str) -> usize {
    text.chars()
        .map(|c| if c >= '\u{1100}' { 2 } else { 1 })
        .sum()
}

/// Which of `count` labels to show when their centres are `pitch` apart and each needs `needed`:
/// every n-th, and always those in `always` (the hovered one first), in favour of neighbours.
pub(super) fn thin(
    count: usize,
    pitch: f32,
    needed: f32,
    step: Step,
    always: &[usize],
) -> Vec<usize> {
    if count == 0 || pitch.is_nan() || pitch <= 0.0 {
        return Vec::new();
    }
    let apart = (needed / pitch).ceil().max(1.0) as usize;
    let mut kept: Vec<usize> = Vec::new();
    for &index in always {
        if index < count && kept.iter().all(|k| k.abs_diff(index) >= apart) {
            kept.push(index);
        }
    }
    let pinned = kept.clone();
    let free = |index: &usize| pinned.iter().all(|k| k.abs_diff(*index) >= apart);
    kept.extend((0..count).step_by(step.at_least(apart)).filter(free));
    kept.sort_unstable();
    kept
}

/// The distances at which labels may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Any: tokens.
    Any,
    /// 1, 2, 5, 10, 20, 50, …: indices read as a ruler.
    Round,
}

impl Step {
    fn at_least(self, apart: usize) -> usize {
        match self {
            Self::Any => apart,
            Self::Round => {
                let mut unit = 1;
                loop {
                    for factor in [1, 2, 5] {
                        if factor * unit >= apart {
                            return factor * unit;
                        }
                    }
                    unit *= 10;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_labels_never_overlap() {
        for count in [0, 1, 2, 7, 100, 2000] {
            for pitch in [0.1, 1.0, 3.7, 12.0, 40.0] {
                for needed in [0.0, 9.0, 13.0, 55.5] {
                    for step in [Step::Any, Step::Round] {
                        let kept = thin(count, pitch, needed, step, &[5, 6, 40, 5000]);
                        for pair in kept.windows(2) {
                            assert!((pair[1] - pair[0]) as f32 * pitch >= needed - 1e-3);
                            assert!(pair[1] > pair[0]);
                        }
                        assert_eq!(count > 0, !kept.is_empty());
                    }
                }
            }
        }
    }

    #[test]
    fn the_hovered_label_comes_back() {
        let kept = thin(100, 2.0, 13.0, Step::Any, &[50, 52]);
        assert!(kept.contains(&50), "hovered");
        assert!(!kept.contains(&52), "locked, but hidden by the hovered one");
        assert!(!kept.contains(&49));
        assert!(thin(100, 2.0, 13.0, Step::Any, &[]).contains(&49));
    }

    #[test]
    fn indices_stand_at_round_distances() {
        assert_eq!(thin(300, 1.0, 60.0, Step::Round, &[]), [0, 100, 200]);
        assert_eq!(thin(10, 10.0, 15.0, Step::Round, &[]), [0, 2, 4, 6, 8]);
    }

    #[test]
    fn odd_sizes_give_no_labels() {
        assert!(thin(5, 0.0, 10.0, Step::Any, &[]).is_empty());
        assert!(thin(5, f32::NAN, 10.0, Step::Any, &[]).is_empty());
    }
}
