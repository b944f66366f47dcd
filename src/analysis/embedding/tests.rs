use std::path::Path;

use candle_core::{Device, Tensor};

use super::*;
use crate::model::source::{SourceOptions, resolve};
use crate::model::{Detail, Model, ModelRef, Prompt};

fn tiny() -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny/plain");
    let options = SourceOptions::from_env();
    let files = resolve(&ModelRef::Folder(folder), &options, &|_| {}, &Cancel::new());
    Model::load(&files.unwrap(), &Device::Cpu).unwrap()
}

fn trace(model: &Model, text: &str) -> Trace {
    model
        .trace(text, &Prompt::None, Detail::Outline, &Cancel::new())
        .unwrap()
}

#[test]
fn the_nearest_row_of_a_row_is_itself() {
    let model = tiny();
    let table = model.token_table().unwrap();
    for row in [0, 5, 85] {
        let found = nearest(&table, &table.row(&[row]), 3, &Cancel::new()).unwrap();
        assert_eq!(found.rows.len(), 3);
        assert_eq!(found.rows[0].row, row);
        assert!((found.rows[0].cosine - 1.).abs() < 1e-12);
        assert!(found.rows[1].cosine < 1. - 1e-6);
        assert!(found.rows[2].cosine >= found.median.unwrap());
    }
}

#[test]
fn nearest_goes_by_direction_and_leaves_zero_rows_out() {
    let table = [0f32, 0., 9., 9.1, -1., 0., 0.2, 0., 0., 5.];
    let table = Tensor::from_slice(&table, (5, 2), &Device::Cpu).unwrap();
    let table = Values::new(&table).unwrap();
    let found = nearest(&table, &[2., 0.], 10, &Cancel::new()).unwrap();
    let rows: Vec<usize> = found.rows.iter().map(|n| n.row).collect();
    assert_eq!(rows, [3, 1, 4, 2]);
    assert_eq!(found.rows[3].cosine, -1.);
    let none = nearest(&table, &[0., 0.], 10, &Cancel::new()).unwrap();
    assert!(none.rows.is_empty() && none.median.is_none());
    let stopped = Cancel::new();
    stopped.cancel();
    assert_eq!(nearest(&table, &[2., 0.], 1, &stopped), None);
}

#[test]
fn the_summands_normed_are_what_enters_the_first_layer() {
    let model = tiny();
    let norm = model.embed_norm().unwrap();
    for text in ["", "the cat sat on the mat", "東 ?"] {
        let found = residual(&trace(&model, text), Some(&norm), 1.).unwrap();
        assert!(found.is_exact(), "{text:?}: {found:?}");
        assert!(found.scale > 0.1);
    }
}

#[test]
fn another_norm_leaves_a_residual() {
    let model = tiny();
    let trace = trace(&model, "the cat");
    let mut norm = model.embed_norm().unwrap();
    norm.eps = 1.;
    assert!(!residual(&trace, Some(&norm), 1.).unwrap().is_exact());
}

#[test]
fn the_sum_is_that_of_its_parts() {
    let model = tiny();
    let trace = trace(&model, "the cat");
    let sum = sum(&trace, 1.).unwrap();
    let at = |site| {
        trace
            .values(Site::Embed(site))
            .unwrap()
            .at(&[2, 7])
            .unwrap()
    };
    let parts = at(EmbedSite::Token) + at(EmbedSite::Position) + at(EmbedSite::Type);
    assert!((sum[2 * 32 + 7] - parts).abs() < 1e-6);
    assert!(sum[2 * 32 + 7] != at(EmbedSite::Token));
}

#[test]
fn lengths_and_largest_dimensions() {
    let table = Tensor::from_slice(&[3f32, -4., 0., 0., 1., 0.], (3, 2), &Device::Cpu).unwrap();
    assert_eq!(row_norms(&Values::new(&table).unwrap()), [5., 0., 1.]);
    assert_eq!(largest(&[1., -3., 2., 3.], 3), [(1, -3.), (3, 3.), (2, 2.)]);
    assert_eq!(largest(&[1.], 3), [(0, 1.)]);
}

#[test]
fn an_outlier_does_not_set_the_scale() {
    let mut values: Vec<f32> = (1..=99).map(|i| -(i as f32)).collect();
    values.push(1000.);
    assert_eq!(magnitude_quantile(values.iter().copied(), 0.99), 99.);
    assert_eq!(magnitude_quantile(values.iter().copied(), 1.), 1000.);
    assert_eq!(magnitude_quantile(values.iter().copied(), 0.), 1.);
    assert_eq!(magnitude_quantile([f32::NAN], 0.5), 0.);
}
