//! `--prompt-name` and `--prompt`.

use crate::model::Prompt;

/// What stands in front of each text; without either option the model's default prompt, if any.
#[derive(clap::Args, Debug, Default)]
pub struct PromptArgs {
    /// Put this prompt of the model's in front
    #[arg(long, value_name = "NAME", conflicts_with = "prompt")]
    pub prompt_name: Option<String>,
    /// Put these words in front; `--prompt ""` puts nothing
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: Option<String>,
}

impl PromptArgs {
    pub fn prompt(&self) -> Prompt {
        match (&self.prompt_name, &self.prompt) {
            (Some(name), _) => Prompt::Named(name.clone()),
            (None, Some(text)) if text.is_empty() => Prompt::None,
            (None, Some(text)) => Prompt::Text(text.clone()),
            (None, None) => Prompt::Own,
        }
    }
}
