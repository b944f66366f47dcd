//! Exports of the window, by its menus.

use std::path::PathBuf;

use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::app::command::Command;
use embedscope::app::export::{Export, Format};

use super::window_support::{open_tiny, send, settle};

fn export(panel: &'static str, format: Format) -> Export {
    Export {
        panel,
        format,
        part: 0,
    }
}

#[test]
fn a_panel_is_saved_in_every_format_and_the_window_goes_on() {
    let mut harness = open_tiny();
    send(&mut harness, Command::ShowPanel("attention"));
    let folder = tempfile::tempdir().unwrap();
    for format in Format::ALL {
        let path = folder.path().join(format!("a.{}", format.ending()));
        send(
            &mut harness,
            Command::Export(export("attention", format), path.clone()),
        );
        assert!(std::fs::metadata(&path).unwrap().len() > 100, "{format:?}");
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, Format::ALL.len(), "nothing but the files is left");
    let svg = std::fs::read_to_string(folder.path().join("a.svg")).unwrap();
    assert!(super::read::Xml::of(&svg).unwrap().count("image") > 8);
    let png = image::open(folder.path().join("a.png")).unwrap();
    let width = format!("width=\"{}\"", png.width() / 2);
    assert!(svg.contains(&width), "both are as wide as the panel");
    let told = harness.query_all_by_label_contains("Saved").count();
    assert!(told > 0, "what was saved is told");
    harness.get_by_label("Export Attention");
}

#[test]
fn a_path_that_cannot_be_written_is_one_message_that_names_it() {
    let mut harness = open_tiny();
    let path = PathBuf::from("/no/such/folder/tokens.csv");
    send(
        &mut harness,
        Command::Export(export("tokens", Format::Csv), path),
    );
    harness.get_by_label_contains("/no/such/folder/tokens.csv: cannot be written");
    let report = PathBuf::from("/no/such/folder/r.html");
    send(&mut harness, Command::SaveReport(report));
    harness.get_by_label_contains("/no/such/folder/r.html: cannot be written");
}

#[test]
fn the_menu_leads_to_a_dialog_with_a_name_for_the_file() {
    let mut harness = open_tiny();
    send(&mut harness, Command::ShowPanel("attention"));
    send(&mut harness, Command::SelectLayer(1));
    harness.get_by_label("Export Attention").click();
    settle(&mut harness);
    harness.get_by_label("SVG…").click();
    settle(&mut harness);
    harness.get_by_label("Export a panel");
    let field = harness.get_by_label("Path");
    let value = field.accesskit_node().value();
    assert_eq!(value.as_deref(), Some("attention-L2-head1-A.svg"));
    harness.get_by_label("Cancel").click();
    settle(&mut harness);
    assert!(harness.query_by_label("Export a panel").is_none());

    // A mean is no head's.
    harness.get_by_label("Mean over layers").click();
    settle(&mut harness);
    harness.get_by_label("Export Attention").click();
    settle(&mut harness);
    harness.get_by_label("SVG…").click();
    settle(&mut harness);
    let value = harness.get_by_label("Path").accesskit_node().value();
    assert_eq!(
        value.as_deref(),
        Some("attention-layer.all.pattern.mean_of_8-A.svg")
    );
}

#[test]
fn a_report_is_made_beside_the_window_and_can_be_given_up() {
    let mut harness = open_tiny();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.html");
    send(&mut harness, Command::SaveReport(path.clone()));
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .ends_with("</html>\n")
    );
    harness.get_by_label_contains("r.html");

    let other = folder.path().join("other.html");
    harness.state_mut().send(Command::SaveReport(other.clone()));
    harness.step();
    harness.step();
    harness.get_by_label("Cancel the report").click();
    harness.step();
    settle(&mut harness);
    assert!(harness.query_by_label("Cancel the report").is_none());
    assert!(!other.exists());
}
