//! One and the same encoder written under the names, offsets and shapes of other families must give
//! the same sentence vector. The names here are spelled apart from those of the program.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use embedscope::cancel::Cancel;
use embedscope::model::source::{SourceOptions, resolve};
use embedscope::model::{Detail, Model, ModelRef, Prompt, families};
use embedscope::trace::Site;
use serde_json::{Value, json};

use crate::models;

type Tensors = HashMap<String, Tensor>;

const TEXTS: [&str; 3] = [
    "The cat bit the dog.",
    "",
    "Café: 1,234 cats sat unhappily on the mat, or so it is said, again and again.",
];

/// BERT's tensors, by their names in a checkpoint.
fn bert(model: &Model) -> Tensors {
    let config = embedscope::model::config::Config::new("config.json", model.config.clone());
    let config = config.unwrap();
    let names = (families::find(&config).unwrap().names)(&config).unwrap();
    let named = model
        .encoder
        .weights
        .named(&names[0], model.spec())
        .unwrap();
    named
        .into_iter()
        .filter(|(name, _)| !name.starts_with("pooler"))
        .collect()
}

/// Every name with the pairs replaced, in their order.
fn renamed(tensors: Tensors, prefix: &str, pairs: &[(&str, &str)]) -> Tensors {
    let rename = |name: String| {
        pairs
            .iter()
            .fold(name, |name, (from, to)| name.replace(from, to))
    };
    tensors
        .into_iter()
        .map(|(name, tensor)| (format!("{prefix}{}", rename(name)), tensor))
        .collect()
}

/// `rows` rows that nobody may read in front of the position table.
fn shifted(tensors: &mut Tensors, rows: usize) {
    const NAME: &str = "embeddings.position_embeddings.weight";
    let table = &tensors[NAME];
    let noise = Tensor::full(7f32, (rows, table.dim(1).unwrap()), &Device::Cpu).unwrap();
    let table = Tensor::cat(&[&noise, table], 0).unwrap();
    tensors.insert(NAME.to_owned(), table);
}

/// The one row of the first type as a part of every token.
fn without_types(tensors: &mut Tensors) {
    let types = tensors
        .remove("embeddings.token_type_embeddings.weight")
        .unwrap();
    const NAME: &str = "embeddings.word_embeddings.weight";
    let words = tensors[NAME]
        .broadcast_add(&types.narrow(0, 0, 1).unwrap())
        .unwrap();
    tensors.insert(NAME.to_owned(), words);
}

/// The configuration and the tensors of one family.
fn expressed(family: &str, model: &Model) -> (Value, Tensors) {
    let mut tensors = bert(model);
    let mut config = model.config.clone();
    let fields = config.as_object_mut().unwrap();
    fields.insert("model_type".to_owned(), family.into());
    let positions = fields["max_position_embeddings"].as_u64().unwrap();
    let (hidden, layers) = (model.spec().hidden, model.spec().layers());
    let rows = match family {
        "roberta" | "xlm-roberta" | "mpnet" => 2,
        _ => 0,
    };
    if rows > 0 {
        shifted(&mut tensors, rows);
        fields.insert("pad_token_id".to_owned(), 1.into());
        fields.insert("max_position_embeddings".to_owned(), (positions + 2).into());
    }
    let tensors = match family {
        "roberta" | "xlm-roberta" => renamed(tensors, "roberta.", &[]),
        "mpnet" => {
            without_types(&mut tensors);
            let bias = Tensor::zeros((32, model.spec().heads), DType::F32, &Device::Cpu).unwrap();
            let name = "encoder.relative_attention_bias.weight".to_owned();
            tensors.insert(name, bias);
            let pairs = [
                ("attention.self.query", "attention.attn.q"),
                ("attention.self.key", "attention.attn.k"),
                ("attention.self.value", "attention.attn.v"),
                ("attention.output.dense", "attention.attn.o"),
                ("attention.output.LayerNorm", "attention.LayerNorm"),
            ];
            renamed(tensors, "mpnet.", &pairs)
        }
        "distilbert" => {
            without_types(&mut tensors);
            for (name, value) in [
                ("dim", hidden),
                ("n_layers", layers),
                ("n_heads", model.spec().heads),
                ("hidden_dim", model.spec().ffn),
            ] {
                fields.insert(name.to_owned(), value.into());
            }
            let pairs = [
                ("encoder.layer", "transformer.layer"),
                ("attention.self.query", "attention.q_lin"),
                ("attention.self.key", "attention.k_lin"),
                ("attention.self.value", "attention.v_lin"),
                ("attention.output.dense", "attention.out_lin"),
                ("attention.output.LayerNorm", "sa_layer_norm"),
                ("intermediate.dense", "ffn.lin1"),
                ("output.dense", "ffn.lin2"),
                ("output.LayerNorm", "output_layer_norm"),
            ];
            renamed(tensors, "distilbert.", &pairs)
        }
        "electra" => {
            fields.insert("embedding_size".to_owned(), hidden.into());
            renamed(tensors, "electra.", &[])
        }
        "albert" => {
            fields.insert("embedding_size".to_owned(), hidden.into());
            fields.insert("num_hidden_groups".to_owned(), layers.into());
            fields.insert("inner_group_num".to_owned(), 1.into());
            let identity = Tensor::eye(hidden, DType::F32, &Device::Cpu).unwrap();
            let zeros = Tensor::zeros(hidden, DType::F32, &Device::Cpu).unwrap();
            let name = "encoder.embedding_hidden_mapping_in";
            tensors.insert(format!("{name}.weight"), identity);
            tensors.insert(format!("{name}.bias"), zeros);
            albert(tensors, layers)
        }
        other => panic!("{other} is not expressed"),
    };
    (config, tensors)
}

fn albert(tensors: Tensors, layers: usize) -> Tensors {
    let mut pairs = Vec::new();
    for l in 0..layers {
        let group = format!("encoder.albert_layer_groups.{l}.albert_layers.0.");
        pairs.push((format!("encoder.layer.{l}."), group));
    }
    for (from, to) in [
        ("attention.self.", "attention."),
        ("attention.output.", "attention."),
        ("intermediate.dense", "ffn"),
        ("output.dense", "ffn_output"),
        ("output.LayerNorm", "full_layer_layer_norm"),
    ] {
        pairs.push((from.to_owned(), to.to_owned()));
    }
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(x, y)| (x.as_str(), y.as_str()))
        .collect();
    renamed(tensors, "albert.", &pairs)
}

/// A folder with the source's tokenizer and head, and these weights.
fn write(folder: &Path, source: &embedscope::model::ModelFiles, config: &Value, tensors: &Tensors) {
    for name in [
        "tokenizer.json",
        "tokenizer_config.json",
        "sentence_bert_config.json",
        "modules.json",
        "1_Pooling/config.json",
    ] {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source.read(name).unwrap()).unwrap();
    }
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    candle_core::safetensors::save(tensors, folder.join("model.safetensors")).unwrap();
}

fn sentence(model: &Model, text: &str) -> Vec<f32> {
    let trace = model.trace(text, &Prompt::Own, Detail::Outline, &Cancel::new());
    trace
        .unwrap()
        .values(Site::Sentence)
        .unwrap()
        .flat()
        .into_owned()
}

fn same_in_every_family(model: &Model) {
    let options = SourceOptions::from_env();
    let source = resolve(&model.source, &options, &|_| {}, &Cancel::new()).unwrap();
    for family in [
        "roberta",
        "xlm-roberta",
        "mpnet",
        "distilbert",
        "electra",
        "albert",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (config, tensors) = expressed(family, model);
        write(folder.path(), &source, &config, &tensors);
        let other = models::load(&ModelRef::Folder(folder.path().into()), &options).unwrap();
        assert_eq!(other.spec().family, family);
        for text in TEXTS {
            let (ours, theirs) = (sentence(model, text), sentence(&other, text));
            let pairs = ours.iter().zip(&theirs);
            let off = pairs.map(|(x, y)| (x - y).abs()).fold(0., f32::max);
            assert!(off < 1e-6, "{family} {text:?} is off by {off:.1e}");
        }
    }
}

#[test]
fn the_bundled_encoder_is_the_same_in_the_dress_of_six_families() {
    let model = models::load(&ModelRef::default(), &SourceOptions::from_env()).unwrap();
    same_in_every_family(&model);
}

#[test]
fn the_real_encoder_is_the_same_in_the_dress_of_six_families() {
    let Some(model) = models::minilm() else {
        return;
    };
    same_in_every_family(&model);
}

#[test]
fn what_the_names_do_not_cover_is_refused() {
    let model = models::load(&ModelRef::default(), &SourceOptions::from_env()).unwrap();
    let source = resolve(
        &model.source,
        &SourceOptions::from_env(),
        &|_| {},
        &Cancel::new(),
    );
    let folder = tempfile::tempdir().unwrap();
    let (mut config, tensors) = expressed("mpnet", &model);
    config["model_type"] = json!("roberta");
    write(folder.path(), &source.unwrap(), &config, &tensors);
    let wrong = models::load(
        &ModelRef::Folder(folder.path().into()),
        &SourceOptions::from_env(),
    );
    let error = wrong.err().unwrap();
    assert!(
        error.contains("embeddings.word_embeddings.weight"),
        "{error}"
    );
    assert!(error.contains("prefixes tried"), "{error}");
}
