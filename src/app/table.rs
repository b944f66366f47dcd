//! Tables as text (RFC 4180): CSV and its relatives, and which of their columns hold texts.

use std::cmp::Ordering;
use std::path::Path;

/// Rows of cells; rows may have different lengths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub rows: Vec<Vec<String>>,
}

/// What stands between the cells of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    Comma,
    Semicolon,
    Tab,
    /// Nothing: each line is one cell, quotes and all.
    None,
}

impl Separator {
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::None];

    pub fn title(self) -> &'static str {
        match self {
            Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Tab => "tabs",
            Self::None => "nothing: each line is one text",
        }
    }

    fn letter(self) -> Option<char> {
        match self {
            Self::Comma => Some(','),
            Self::Semicolon => Some(';'),
            Self::Tab => Some('\t'),
            Self::None => None,
        }
    }

    /// The one that cuts the first rows into equally many cells, and into most of them.
    pub fn guess(text: &str) -> Self {
        const ROWS: usize = 20;
        let cells = |separator: Self| {
            let rows = Table::parse(text, separator).ok()?.rows;
            let mut counts = rows.iter().take(ROWS).map(Vec::len);
            let first = counts.next()?;
            (first > 1 && counts.all(|count| count == first)).then_some(first)
        };
        let cut = [Self::Tab, Self::Comma, Self::Semicolon];
        let found = cut.into_iter().filter_map(|s| Some((cells(s)?, s)));
        // Of equals the first: a tab is never part of a text by chance.
        let best = found.rev().max_by_key(|(count, _)| *count);
        best.map_or(Self::None, |(_, separator)| separator)
    }

    /// What a file's name says of it, for where the rows do not tell: a table with rows of different
    /// lengths is one all the same.
    pub fn of_name(name: &str, text: &str) -> Option<Self> {
        let ending = Path::new(name).extension()?.to_ascii_lowercase();
        let first = text.lines().find(|line| !line.trim().is_empty())?;
        let times = |letter: char| first.matches(letter).count();
        let found = match ending.to_str()? {
            "tsv" => Self::Tab,
            "csv" if times(';') > times(',') => Self::Semicolon,
            "csv" => Self::Comma,
            _ => return None,
        };
        // Of one column alone only the quotes tell whether a comma ends a cell.
        let one_column = || Table::parse(text, found).is_ok_and(|table| table.columns() == 1);
        let cuts = found.letter().is_some_and(|letter| times(letter) > 0);
        (cuts || one_column()).then_some(found)
    }
}

/// A quote that opens on this line, from 1, and is never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {0}: a quote (\") opens a cell there and is never closed")]
pub struct OpenQuote(pub usize);

impl Table {
    /// Cells in quotes may hold separators, line breaks and doubled quotes. Blank lines are left out.
    ///
    /// # Errors
    /// When a quote is never closed.
    pub fn parse(text: &str, separator: Separator) -> Result<Self, OpenQuote> {
        let Some(letter) = separator.letter() else {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let rows = lines.map(|line| vec![line.to_owned()]).collect();
            return Ok(Self { rows });
        };
        let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
        let (mut line, mut quoted_at) = (1, None);
        // Whether the cell has begun: a quote opens one only at its start.
        let mut begun = false;
        let mut letters = text.chars().peekable();
        while let Some(c) = letters.next() {
            let ends_line = c == '\n' || (c == '\r' && letters.peek() != Some(&'\n'));
            if ends_line {
                line += 1;
            }
            match c {
                '"' if quoted_at.is_some() => match letters.next_if_eq(&'"') {
                    Some(quote) => cell.push(quote),
                    None => quoted_at = None,
                },
                _ if quoted_at.is_some() => cell.push(c),
                '"' if !begun => (quoted_at, begun) = (Some(line), true),
                _ if c == letter => {
                    row.push(std::mem::take(&mut cell));
                    begun = false;
                }
                '\r' if !ends_line => {}
                _ if ends_line => {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                    begun = false;
                }
                _ => {
                    cell.push(c);
                    begun = true;
                }
            }
        }
        if let Some(line) = quoted_at {
            return Err(OpenQuote(line));
        }
        if begun || !row.is_empty() {
            row.push(cell);
            rows.push(row);
        }
        let blank = |row: &Vec<String>| row.iter().all(|cell| cell.trim().is_empty());
        rows.retain(|row| !blank(row));
        Ok(Self { rows })
    }

    /// Cells of the longest row.
    pub fn columns(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// How many rows have fewer cells than the first, and how many have more.
    pub fn uneven(&self) -> (usize, usize) {
        let first = self.rows.first().map_or(0, Vec::len);
        let count = |ordering| {
            let rows = self.rows.iter();
            rows.filter(|row| row.len().cmp(&first) == ordering).count()
        };
        (count(Ordering::Less), count(Ordering::Greater))
    }

    pub fn cell(&self, row: usize, column: usize) -> &str {
        let cell = self.rows.get(row).and_then(|row| row.get(column));
        cell.map_or("", String::as_str)
    }

    /// Whether the first row names the columns: it has names that such rows have, or a word above
    /// numbers.
    pub fn has_header(&self) -> bool {
        const NAMES: [&str; 22] = [
            "text",
            "texts",
            "sentence",
            "sentence1",
            "sentence2",
            "query",
            "passage",
            "document",
            "content",
            "anchor",
            "positive",
            "negative",
            "question",
            "answer",
            "title",
            "label",
            "id",
            "score",
            "category",
            "text_a",
            "text_b",
            "premise",
        ];
        let Some((first, rest)) = self.rows.split_first() else {
            return false;
        };
        let number = |cell: &str| cell.trim().parse::<f64>().is_ok();
        let named = |cell: &String| NAMES.contains(&cell.trim().to_ascii_lowercase().as_str());
        let above_numbers = |column: usize| {
            let mut below = rest
                .iter()
                .map(|row| row.get(column).map_or("", String::as_str));
            !number(&first[column]) && !rest.is_empty() && below.all(number)
        };
        let distinct = |i: usize| !first[..i].contains(&first[i]);
        let plausible = (0..first.len()).all(|i| distinct(i) && !first[i].trim().is_empty());
        plausible && (first.iter().any(named) || (0..first.len()).any(above_numbers))
    }

    /// The column with the longest cells, which is where texts are.
    pub fn text_column(&self, header: bool) -> usize {
        let rows = &self.rows[usize::from(header).min(self.rows.len())..];
        let letters = |column: usize| -> usize {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).sum()
        };
        // Of equals the first.
        let columns = (0..self.columns()).rev();
        columns.max_by_key(|&column| letters(column)).unwrap_or(0)
    }

    /// The texts of a column, each on one line; blank cells are left out.
    pub fn texts(&self, column: usize, header: bool) -> Vec<String> {
        let rows = usize::from(header)..self.rows.len();
        let texts = rows.map(|row| one_line(self.cell(row, column)));
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// The texts of two columns, row by row; rows where either is blank are left out.
    pub fn pairs(&self, (a, b): (usize, usize), header: bool) -> Vec<(String, String)> {
        let rows = usize::from(header)..self.rows.len();
        let pairs = rows.map(|row| (one_line(self.cell(row, a)), one_line(self.cell(row, b))));
        let whole = pairs.filter(|(a, b)| !a.is_empty() && !b.is_empty());
        whole.collect()
    }
}

/// A text of the list is one line.
pub fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, separator: Separator) -> Vec<Vec<String>> {
        Table::parse(text, separator).unwrap().rows
    }

    #[test]
    fn quotes_hold_separators_line_breaks_and_quotes() {
        let text = "a,\"b, c\",d\r\n\"two\nlines\",\"say \"\"hi\"\"\",\n\n x \"y\" ,\"\",z";
        assert_eq!(
            rows(text, Separator::Comma),
            [
                vec!["a", "b, c", "d"],
                vec!["two\nlines", "say \"hi\"", ""],
                vec![" x \"y\" ", "", "z"],
            ]
        );
        assert_eq!(rows("a\rb\r", Separator::Comma), [["a"], ["b"]]);
        assert_eq!(rows("\"a\"b,c", Separator::Comma), [["ab", "c"]]);
        assert_eq!(rows("\"a,b\"\n", Separator::None), [["\"a,b\""]]);
        assert!(rows("\n \n,,\n", Separator::Comma).is_empty());
        let open = Table::parse("a\nb,\"c\nd\n", Separator::Comma);
        assert_eq!(open, Err(OpenQuote(2)));
    }

    proptest::proptest! {
        #[test]
        fn any_table_comes_back_as_it_was_written(
            cells in proptest::collection::vec(
                proptest::collection::vec("[a-z,;\t\"\n\r é]{0,8}", 1..4), 0..6),
        ) {
            for separator in [Separator::Comma, Separator::Semicolon, Separator::Tab] {
                let letter = separator.letter().unwrap().to_string();
                let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
                let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(&letter);
                let text = cells.iter().map(line).collect::<Vec<_>>().join("\r\n");
                let blank = |row: &Vec<String>| row.iter().all(|cell| cell.trim().is_empty());
                let mut expected = cells.clone();
                expected.retain(|row| !blank(row));
                proptest::prop_assert_eq!(rows(&text, separator), expected);
            }
        }
    }

    #[test]
    fn separators_headers_and_the_column_of_texts_are_guessed() {
        let comma = "id,text,score\n1,\"A cat, asleep\",0.5\n2,Dogs bark,0.7\n";
        assert_eq!(Separator::guess(comma), Separator::Comma);
        assert_eq!(Separator::guess("a;b\nc, d;e\n"), Separator::Semicolon);
        assert_eq!(Separator::guess("a, b\tc\nd\te, f\n"), Separator::Tab);
        assert_eq!(
            Separator::guess("Well, yes\nNo\nOnce, twice, thrice\n"),
            Separator::None,
            "a list of texts that has commas is no table"
        );
        let ragged = "id,text\n1,\n2\n3,Fish swim,x,y\n";
        assert_eq!(Separator::guess(ragged), Separator::None);
        let of_name = |name: &str, text: &str| Separator::of_name(name, text);
        assert_eq!(of_name("r.CSV", ragged), Some(Separator::Comma));
        assert_eq!(of_name("r.txt", ragged), None, "may be a list of texts");
        assert_eq!(of_name("r.csv", "a;b,c;d\ne\n"), Some(Separator::Semicolon));
        assert_eq!(of_name("r.tsv", "a\tb\nc\n"), Some(Separator::Tab));
        let quoted = "text\n\"Well, yes\"\n";
        assert_eq!(of_name("r.csv", quoted), Some(Separator::Comma));
        assert_eq!(of_name("r.csv", "text\nWell, yes\n"), None);
        let table = Table::parse(ragged, Separator::Comma).unwrap();
        assert_eq!(table.uneven(), (1, 1), "a cell that is empty is one");
        let table = Table::parse(comma, Separator::Comma).unwrap();
        assert!(table.has_header());
        assert_eq!((table.columns(), table.text_column(true)), (3, 1));
        assert_eq!(table.texts(1, true), ["A cat, asleep", "Dogs bark"]);
        assert_eq!(table.texts(1, false)[0], "text");
        let plain = Table::parse("The cat\tA cat\nThe dog\t\n", Separator::Tab).unwrap();
        assert!(!plain.has_header());
        let pairs = plain.pairs((0, 1), false);
        assert_eq!(pairs, [("The cat".to_owned(), "A cat".to_owned())]);
        let numbers = Table::parse("saying,points\nhi there,1\nbye,2.5\n", Separator::Comma);
        assert!(numbers.unwrap().has_header(), "a word above numbers");
        assert_eq!(one_line(" two\r\n lines \n"), "two lines");
    }
}
