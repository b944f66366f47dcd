//! `why`: why two texts score as similar.

use super::{Failure, ModelArgs};

#[derive(clap::Args, Debug)]
pub struct WhyArgs {
    pub a: String,
    pub b: String,
}

pub fn run(_: &WhyArgs, _: &ModelArgs) -> Result<(), Failure> {
    Err(Failure::failed("why is not built yet"))
}
