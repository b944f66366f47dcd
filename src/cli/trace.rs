//! `trace`: every stage of one text, into a file.

use std::path::PathBuf;

use super::output::Target;
use super::tokens::warn_of_cut;
use super::{Failure, InterveneArgs, ModelArgs, PromptArgs};
use crate::cancel::Cancel;
use crate::model::Detail;
use crate::model::intervention::GRAMMAR;
use crate::tokens::Tokens;
use crate::trace::SiteFilter;

/// Bytes of layers' insides that are held from the one forward pass: making them again costs less than
/// writing them, and much less than memory that is not there.
const HELD: usize = 1 << 27;

#[derive(clap::Args, Debug)]
#[command(after_long_help = format!("{SITES}\n\n{GRAMMAR}"))]
pub struct TraceArgs {
    /// The text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub text: String,
    /// The safetensors file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Which sites to write, as patterns separated by commas; `*` stands for any characters
    #[arg(long, value_name = "GLOB,...", default_value = "*")]
    pub sites: String,
    #[command(flatten)]
    pub prompt: PromptArgs,
    #[command(flatten)]
    pub changes: InterveneArgs,
}

const SITES: &str = "Sites, with T tokens, D hidden, H heads, d head size, F feed-forward size:
  tokens.ids                                        [T] i64, everything else f32
  embed.token  embed.position  embed.type           [T, D] the summands
  embed.out                                         [T, D] what enters layer 0
  layer.{l}.resid_in  .resid_mid  .resid_out        [T, D] the residual stream
  layer.{l}.q  .k  .v                               [H, T, d]
  layer.{l}.q_rot  .k_rot                           [H, T, d] as they meet: normed, turned
  layer.{l}.score_content  .score_position          [H, T, T] scaled q·k; what distances add, if anything
  layer.{l}.scores  .pattern                        [H, T, T] before softmax; after it
  layer.{l}.head_out                                [H, T, d]
  layer.{l}.attn_out  .ffn_out                      [T, D] what is added to the residual stream
  layer.{l}.ffn_pre  .ffn_gate  .ffn_act            [T, F] the gate in gated blocks alone
  layer.{l}.resid_ffn  .conv_pre  .conv_out         [T, D] only beside a convolution
  final.out                                         [T, D]
  pooled.{cls,mean,max,mean_sqrt_len_tokens,weightedmean,lasttoken}   [D]
  sentence                                          [E]
For example --sites 'layer.*.pattern,sentence'";

pub fn run(args: &TraceArgs, model: &ModelArgs) -> Result<(), Failure> {
    let target = Target::new(&args.out)?;
    if !target.is_file() {
        let path = target.path().display();
        return Err(Failure::Failed(format!(
            "{path}: is a device or a pipe; a trace needs a file"
        )));
    }
    let filter = SiteFilter::parse(&args.sites);
    if args.sites.replace(',', "").trim().is_empty() {
        return Err(Failure::usage(
            "--sites is empty; leave it out to write every site",
        ));
    }
    let model = model.load()?;
    if let Some(pattern) = filter.unused(model.spec().layers()) {
        let layers = match model.spec().layers() {
            0 => "no layers".to_owned(),
            count => format!("layers 0 to {}", count - 1),
        };
        return Err(Failure::Usage(format!(
            "--sites: `{pattern}` matches no site of this model, which has {layers}; \
             `embedscope trace --help` lists the names"
        )));
    }
    let prompt = args.prompt.prompt();
    let changes = args.changes.alone()?;
    let cancel = Cancel::new();
    // What does not fit is made again where it is written.
    let keeps = |tokens: &Tokens, site| {
        let fits = model.full_bytes(tokens.len()) <= HELD;
        Detail::Outline.keeps(site) || fits && filter.matches(site)
    };
    let trace = match changes.is_empty() {
        true => model.trace_sites(&args.text, &prompt, keeps, &cancel)?,
        false => super::intervene::trace(&model, (&args.text, &prompt), &changes, HELD)?,
    };
    warn_of_cut(&trace.tokens);
    model.save_trace(&trace, target.path(), &filter, &cancel)?;
    Ok(())
}
