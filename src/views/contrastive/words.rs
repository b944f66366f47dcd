//! The loss in words, and for the clipboard.

use super::derive::{Pairs, Seen};
use crate::analysis::contrastive::Contrast;
use crate::widgets::number;

/// `71%`, with a digit more near both ends: neither nothing nor all where there is more to it.
pub fn percent(share: f64) -> String {
    match 100. * share {
        percent if percent < 0.1 => "<\u{a0}0.1%".to_owned(),
        percent if percent < 100. && percent > 99.9 => ">\u{a0}99.9%".to_owned(),
        percent if percent < 9.95 || (98.95..100.).contains(&percent) => format!("{percent:.1}%"),
        percent => format!("{percent:.0}%"),
    }
}

/// The row that the loss is least content with; 0 where there is none.
pub fn hardest(contrast: &Contrast) -> usize {
    let rows = contrast.losses.iter().enumerate();
    rows.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i)
}

/// What a row's softmax says: its own pair's share, and that of `column` or of the negative that
/// takes most. `name` is what the row is called, `texts` the quoted texts of the positives, [n].
pub fn row(
    contrast: &Contrast,
    name: &str,
    row: usize,
    column: Option<usize>,
    texts: &[String],
) -> String {
    let n = contrast.losses.len();
    let share = |j: usize| contrast.rows[row * n + j];
    let own = percent(share(row));
    let start = format!("{name} gives its own pair {own}");
    let negatives = (0..n).filter(|&j| j != row);
    let nearest = negatives.max_by(|&i, &j| share(i).total_cmp(&share(j)));
    let other = column.filter(|&j| j != row).or(nearest);
    match other.and_then(|j| Some((share(j), texts.get(j)?))) {
        Some((taken, text)) => format!(
            "{start}; {text} takes {} and is pushed away.",
            percent(taken)
        ),
        None => format!("{start}."),
    }
}

/// One cell: its cosine, logit, share, and what the gradient wants.
pub fn cell(seen: &Seen, (row, column): (usize, usize)) -> String {
    let contrast = &seen.contrast;
    let at = row * contrast.losses.len() + column;
    let (cos, gradient) = (contrast.cosines[at], contrast.gradient[at]);
    let wish = match gradient {
        g if g < 0. => "pulled together",
        g if g > 0. => "pushed apart",
        _ => "left alone",
    };
    let mut text = format!(
        "cos {}\ncos/τ {}\nshare of the row {}",
        number(cos),
        number(cos / seen.loss.temperature),
        percent(contrast.rows[at]),
    );
    if let Some(columns) = &contrast.columns {
        text.push_str(&format!("\nshare of the column {}", percent(columns[at])));
    }
    text + &format!("\n∂loss/∂cos {}: {wish}", number(gradient))
}

/// Every matrix with its names, the losses, and the two figures of the plane.
pub fn tsv(pairs: &Pairs, seen: &Seen, names: &[String]) -> String {
    let n = pairs.len();
    let (rows, columns) = names.split_at(n);
    let contrast = &seen.contrast;
    let mut out = format!(
        "temperature\t{}\nsymmetric\t{}\nloss\t{}\n",
        seen.loss.temperature, seen.loss.symmetric, contrast.loss
    );
    if let Ok(space) = &pairs.space {
        let (alignment, uniformity) = (space.alignment, space.uniformity);
        out.push_str(&format!(
            "alignment\t{alignment}\nuniformity\t{uniformity}\n"
        ));
    }
    let mut matrices = vec![("cos", &contrast.cosines), ("softmax", &contrast.rows)];
    matrices.extend(contrast.columns.iter().map(|c| ("softmax of columns", c)));
    matrices.push(("gradient", &contrast.gradient));
    for (title, values) in matrices {
        out.push_str(&format!("{title}\t{}\n", columns.join("\t")));
        for (name, row) in rows.iter().zip(values.chunks(n.max(1))) {
            let row: Vec<String> = row.iter().map(f64::to_string).collect();
            out.push_str(&format!("{name}\t{}\n", row.join("\t")));
        }
    }
    out.push_str("row\tloss\n");
    for (name, loss) in rows.iter().zip(&contrast.losses) {
        out.push_str(&format!("{name}\t{loss}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::contrastive::InfoNce;

    #[test]
    fn a_row_names_its_own_share_and_the_worst_negative() {
        let loss = InfoNce {
            temperature: 1.,
            symmetric: false,
        };
        let logits = [0.7_f64, 0.2, 0.1, 0.1, 0.1, 0.8, 0.05, 0.05, 0.9];
        let contrast = loss.of_cosines(logits.map(f64::ln).to_vec(), 3);
        let texts = ["“x”", "“y”", "“z”"].map(str::to_owned);
        let said = |column| row(&contrast, "Row 1", 0, column, &texts);
        assert_eq!(
            said(None),
            "Row 1 gives its own pair 70%; “y” takes 20% and is pushed away."
        );
        assert!(said(Some(2)).contains("“z” takes 10%"));
        assert!(said(Some(0)).contains("“y” takes"));
        assert_eq!(hardest(&contrast), 1);
        assert_eq!(percent(1e-9), "<\u{a0}0.1%");
        assert_eq!(percent(0.0512), "5.1%");
        assert_eq!(percent(0.998), "99.8%", "0.2% are another's");
        assert_eq!(percent(0.99951), ">\u{a0}99.9%");
        assert_eq!(percent(1.), "100%");
    }
}
