//! Reading a JSON configuration with errors that name file and field.

use serde_json::Value;

use super::ModelError;

/// One JSON object from the model's folder.
#[derive(Clone)]
pub struct Config {
    pub file: String,
    value: Value,
}

impl Config {
    pub fn new(file: &str, value: Value) -> Result<Self, ModelError> {
        let file = file.to_owned();
        match value.is_object() {
            true => Ok(Self { file, value }),
            false => Err(ModelError::Weights {
                file,
                problem: "must hold a JSON object".to_owned(),
            }),
        }
    }

    /// An object inside of this one, where it is there.
    ///
    /// # Errors
    /// When it is something else.
    pub fn nested(&self, name: &str) -> Result<Option<Self>, ModelError> {
        match self.get(&[name]) {
            None => Ok(None),
            Some(value) if value.is_object() => Ok(Some(Self {
                file: self.file.clone(),
                value: value.clone(),
            })),
            Some(other) => Err(self.bad(name, format!("must be an object, but is {other}"))),
        }
    }

    /// The first of several names that is there and not null.
    pub fn get(&self, names: &[&str]) -> Option<&Value> {
        let mut found = names.iter().filter_map(|name| self.value.get(name));
        found.find(|value| !value.is_null())
    }

    pub fn bad(&self, field: &str, problem: impl Into<String>) -> ModelError {
        ModelError::config(&self.file, field, problem)
    }

    fn read<T>(
        &self,
        names: &[&str],
        what: &str,
        convert: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, ModelError> {
        let Some(value) = self.get(names) else {
            return Ok(None);
        };
        let converted = convert(value);
        let problem = || format!("must be {what}, but is {value}");
        converted
            .map(Some)
            .ok_or_else(|| self.bad(names[0], problem()))
    }

    /// A whole number, or what the family takes where the field is missing.
    pub fn size(&self, names: &[&str], default: usize) -> Result<usize, ModelError> {
        Ok(self.size_if_present(names)?.unwrap_or(default))
    }

    pub fn size_if_present(&self, names: &[&str]) -> Result<Option<usize>, ModelError> {
        // Some exports write sizes as 512.0; a thousand millions is no size but a typing error.
        let whole = |v: &Value| {
            let float = v
                .as_f64()
                .filter(|f| f.fract() == 0. && (0. ..1e9).contains(f));
            float.map(|f| f as usize)
        };
        self.read(names, "a whole number", whole)
    }

    pub fn number(&self, names: &[&str], default: f64) -> Result<f64, ModelError> {
        let number = self.read(names, "a number", Value::as_f64)?;
        Ok(number.unwrap_or(default))
    }

    pub fn flag(&self, name: &str, default: bool) -> Result<bool, ModelError> {
        let flag = self.read(&[name], "true or false", Value::as_bool)?;
        Ok(flag.unwrap_or(default))
    }

    pub fn text<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, ModelError> {
        match self.get(&[name]) {
            None => Ok(default),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(self.bad(name, format!("must be a string, but is {other}"))),
        }
    }
}
