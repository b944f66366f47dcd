//! A table on its way into the list of texts: which of its columns, and as what.

use super::command::Command;
use super::files::MOST_TEXTS;
use super::table::{OpenQuote, Separator, Table};
use crate::tokens::start_of;

/// What a person chooses before a table becomes texts.
#[derive(Clone, Debug)]
pub struct Import {
    /// The file's name.
    pub name: String,
    text: String,
    pub separator: Separator,
    pub table: Table,
    /// Whether the first row names the columns.
    pub header: bool,
    pub column: usize,
    /// The column of the texts that those of `column` are paired with.
    pub paired: Option<usize>,
    /// Why the table cannot be cut in another way.
    pub problem: Option<OpenQuote>,
}

impl Import {
    /// Guesses everything, for a person to correct: line by line where it can be cut in no way.
    pub fn new(name: String, text: String) -> Self {
        let separator = match Separator::guess(&text) {
            Separator::None => Separator::of_name(&name, &text),
            found => Some(found),
        };
        let mut import = Self {
            name,
            text,
            separator: Separator::None,
            header: false,
            column: 0,
            paired: None,
            problem: None,
            table: Table::default(),
        };
        import.separate(Separator::None);
        if let Some(separator) = separator {
            import.separate(separator);
        }
        import
    }

    fn take(&mut self, table: Table) {
        self.header = table.has_header();
        self.column = table.text_column(self.header);
        self.paired = None;
        self.table = table;
    }

    /// Cuts the same text in another way.
    pub fn separate(&mut self, separator: Separator) {
        match Table::parse(&self.text, separator) {
            Ok(table) => {
                self.separator = separator;
                self.problem = None;
                self.take(table);
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// What a column is called: by its header, and by its number.
    pub fn column_name(&self, column: usize) -> String {
        match self.header {
            true => {
                let name = start_of(self.table.cell(0, column).trim(), 40);
                format!("{} ({name})", column + 1)
            }
            false => format!("{}", column + 1),
        }
    }

    /// How many texts or pairs there are, and how many of them the list takes.
    pub fn counts(&self) -> (usize, usize) {
        match self.paired {
            None => {
                let all = self.table.texts(self.column, self.header).len();
                (all, all.min(MOST_TEXTS))
            }
            Some(b) => {
                let all = self.table.pairs((self.column, b), self.header).len();
                (all, all.min(MOST_TEXTS / 2))
            }
        }
    }

    /// In place of the list, or behind it.
    pub fn command(&self, replace: bool) -> Command {
        let (_, most) = self.counts();
        match self.paired {
            None => {
                let mut texts = self.table.texts(self.column, self.header);
                texts.truncate(most);
                match replace {
                    true => Command::SetTexts(texts),
                    false => Command::AddTexts(texts),
                }
            }
            Some(b) => {
                let mut pairs = self.table.pairs((self.column, b), self.header);
                pairs.truncate(most);
                match replace {
                    true => Command::SetPairs(pairs),
                    false => Command::AddPairs(pairs),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_texts_or_pairs_and_no_more_than_the_list_takes() {
        let mut text = "query,passage\n".to_owned();
        for i in 0..600 {
            text.push_str(&format!("what is {i}?,\"it is {i}, of course\"\n"));
        }
        let mut import = Import::new("x.csv".to_owned(), text);
        assert_eq!((import.header, import.column), (true, 1));
        assert_eq!(import.column_name(0), "1 (query)");
        assert_eq!(import.counts(), (600, MOST_TEXTS));
        let Command::SetTexts(texts) = import.command(true) else {
            panic!("texts")
        };
        assert_eq!(texts[0], "it is 0, of course");
        (import.column, import.paired) = (0, Some(1));
        assert_eq!(import.counts(), (600, MOST_TEXTS / 2));
        let Command::AddPairs(pairs) = import.command(false) else {
            panic!("pairs")
        };
        assert_eq!(pairs[1].0, "what is 1?");
        import.separate(Separator::None);
        assert_eq!((import.paired, import.table.columns()), (None, 1));
        assert_eq!(import.column_name(0), "1");
    }
}
