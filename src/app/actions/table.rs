//! The table itself.

use egui::Key;

use super::keys::{alt, ctrl, ctrl_shift, plain, shift};
use super::{Action, ActionState, Menu};
use crate::app::command::Command;
use crate::app::layout::WORKSPACES;
use crate::app::state::{Beside, Side, ThemeChoice};
use crate::app::tour::TourCommand;
use crate::app::walk::WalkCommand;
use crate::model::intervention::Interventions;
use crate::views::PANELS;

/// Keys of the workspaces, with the command key.
const WORKSPACE_KEYS: [Key; 9] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
];

pub(super) fn actions() -> Vec<Action> {
    [file(), edit(), view(), go(), help()]
        .into_iter()
        .flatten()
        .collect()
}

fn file() -> Vec<Action> {
    use Menu::File;
    vec![
        Action::new(
            (File, 0),
            "file.open_model",
            "Open model…",
            Command::AskModelFolder,
        )
        .keys([ctrl(Key::O)])
        .about("A folder or a hub id"),
        Action::new(
            (File, 0),
            "file.open_texts",
            "Open texts…",
            Command::AskTextFile,
        )
        .keys([ctrl(Key::T)])
        .about("A file with one text a line"),
        Action::new(
            (File, 0),
            "file.open_session",
            "Open session…",
            Command::AskOpenSession,
        )
        .keys([ctrl_shift(Key::O)])
        .about("Texts, model, recipe and layout as they were saved"),
        Action::new(
            (File, 0),
            "file.background",
            "Calibrate on texts of your own…",
            Command::AskBackgroundFile,
        )
        .about(
            "A file of texts from what you work on: then “unrelated” means unrelated among yours",
        ),
        Action::new(
            (File, 0),
            "file.models",
            "Manage models…",
            Command::ShowModels(true),
        )
        .about("What is in the program and in the cache; fetch and remove"),
        Action::new(
            (File, 1),
            "file.save_session",
            "Save session",
            Command::SaveSession,
        )
        .keys([ctrl(Key::S)])
        .about("Texts, model, recipe and layout as one file"),
        Action::new(
            (File, 1),
            "file.save_session_as",
            "Save session as…",
            Command::AskSessionFile,
        )
        .keys([ctrl_shift(Key::S)]),
        Action::new(
            (File, 1),
            "file.save_report",
            "Save report…",
            Command::AskReportFile,
        )
        .about("Texts, score, findings and a picture of each panel as one page")
        .when(has_model),
        Action::new(
            (File, 1),
            "file.save_trace",
            "Save trace…",
            Command::AskTraceFile,
        )
        .keys([ctrl_shift(Key::T)])
        .about("Every recorded value of the shown text, as safetensors")
        .when(has_model),
        Action::new(
            (File, 1),
            "file.save_picture",
            "Save picture…",
            Command::AskPictureFile,
        )
        .keys([ctrl(Key::P)])
        .about("The whole window, as PNG"),
        Action::new((File, 2), "file.quit", "Quit", Command::Quit).keys([ctrl(Key::Q)]),
    ]
}

fn edit() -> Vec<Action> {
    use Menu::Edit;
    vec![
        Action::new((Edit, 0), "edit.undo", "Undo", Command::Undo)
            .keys([ctrl(Key::Z)])
            .repeats()
            .left_to_fields()
            .when(|on| {
                on.history
                    .can_undo()
                    .then_some(())
                    .ok_or("nothing to take back")
            }),
        Action::new((Edit, 0), "edit.redo", "Redo", Command::Redo)
            .keys([ctrl_shift(Key::Z), ctrl(Key::Y)])
            .repeats()
            .left_to_fields()
            .when(|on| {
                on.history
                    .can_redo()
                    .then_some(())
                    .ok_or("nothing was taken back")
            }),
        Action::new(
            (Edit, 1),
            "edit.add_text",
            "Add text",
            Command::AddText(String::new()),
        ),
        Action::new(
            (Edit, 1),
            "edit.remove_texts",
            "Remove every text",
            Command::SetTexts(Vec::new()),
        )
        .about("Empties the list; undo brings it back")
        .when(|on| {
            (!on.state.texts.is_empty())
                .then_some(())
                .ok_or("the list is empty")
        }),
        Action::new(
            (Edit, 1),
            "edit.swap_sides",
            "Swap A and B",
            Command::SwapSides,
        )
        .when(|on| {
            (on.state.a != on.state.b)
                .then_some(())
                .ok_or("A and B are the same text")
        }),
        Action::new(
            (Edit, 2),
            "edit.release",
            "Let go of what is held",
            Command::Release,
        )
        .keys([plain(Key::Escape)])
        .when(|on| {
            (!on.state.locked.is_empty())
                .then_some(())
                .ok_or("nothing is held")
        }),
        Action::new(
            (Edit, 3),
            "edit.undo_interventions",
            "Remove every change",
            Command::SetInterventions(Interventions::default()),
        )
        .about("The encoder is as it was")
        .when(|on| {
            let none = on.state.interventions == Interventions::default();
            (!none).then_some(()).ok_or("nothing is changed in it")
        }),
        Action::new(
            (Edit, 4),
            "edit.preferences",
            "Preferences…",
            Command::ShowPreferences(true),
        )
        .keys([ctrl(Key::Comma)])
        .about("Theme, size, memory, animations"),
    ]
}

fn view() -> Vec<Action> {
    use Menu::View;
    let workspaces = WORKSPACES.iter().zip(WORKSPACE_KEYS).enumerate();
    let workspaces = workspaces.map(|(index, (workspace, key))| {
        let id = format!("workspace.{}", index + 1);
        let title = format!("Workspace: {}", workspace.title);
        Action::new((View, 0), id, title, Command::ShowWorkspace(index))
            .item(workspace.title)
            .keys([ctrl(key)])
            .about(workspace.about)
            .checked(move |on| on.layout.workspace == index)
    });
    let panels = PANELS.iter().map(|panel| {
        let (id, title) = (
            format!("panel.{}", panel.id),
            format!("Show {}", panel.title),
        );
        Action::new((View, 1), id, title, Command::ShowPanel(panel.id))
            .item(panel.title)
            .about(panel.about)
            .checked(|on| on.layout.is_visible(panel.id))
    });
    let sides = [Side::A, Side::B].map(|side| {
        let (id, title) = match side {
            Side::A => ("view.side_a", "Show text A"),
            Side::B => ("view.side_b", "Show text B"),
        };
        Action::new((View, 2), id, title, Command::View(side))
            .about("In the panels of one text, through both models where two are side by side")
            .checked(move |on| {
                let one = on.state.columns() != Some(Beside::Texts);
                on.state.side == side && one && !on.state.difference
            })
    });
    let difference = Action::new(
        (View, 2),
        "view.difference",
        "Show the difference of A and B",
        Command::ShowDifference(true),
    )
    .about("In the panels Embedding, Position, Attention and Feed-forward")
    .checked(|on| on.state.difference);
    let beside = [
        Action::new(
            (View, 2),
            "view.beside_texts",
            "Show A and B side by side",
            Command::ShowBeside(Some(Beside::Texts)),
        )
        .about("In two columns, in the panels of one text")
        .checked(|on| on.state.columns() == Some(Beside::Texts)),
        Action::new(
            (View, 2),
            "view.beside_models",
            "Show two models side by side",
            Command::ShowBeside(Some(Beside::Models)),
        )
        .about("One text through both in two columns, in the panels of one text")
        .checked(|on| on.state.columns() == Some(Beside::Models))
        .when(|on| {
            let chosen = on.state.reference.as_ref().map(|_| ());
            chosen.ok_or("no second model is chosen: the panel Two models does that")
        }),
    ];
    let themes = [
        (
            ThemeChoice::System,
            "view.theme_system",
            "Follow the desktop",
        ),
        (ThemeChoice::Light, "view.theme_light", "Light"),
        (ThemeChoice::Dark, "view.theme_dark", "Dark"),
    ];
    let themes = themes.map(|(theme, id, item)| {
        let title = match theme {
            ThemeChoice::System => "Theme of the desktop",
            ThemeChoice::Light => "Light theme",
            ThemeChoice::Dark => "Dark theme",
        };
        Action::new((View, 4), id, title, Command::SetTheme(theme))
            .item(item)
            .checked(move |on| on.state.preferences.theme == theme)
    });
    let performance = |on: &ActionState<'_>| Command::ShowPerformance(!on.performance);
    let mut all: Vec<Action> = workspaces.collect();
    all.extend([
        Action::new(
            (View, 0),
            "view.every_panel",
            "Every panel side by side",
            Command::ShowEveryPanel,
        )
        .about("For a large screen"),
        Action::new(
            (View, 0),
            "view.reset_layout",
            "Reset layout",
            Command::ResetLayout,
        ),
    ]);
    all.extend(panels);
    all.extend(sides);
    all.push(difference);
    all.extend(beside);
    all.push(
        Action::new((View, 3), "view.log", "Log", Command::ShowLog(true))
            .about("Everything that was told, with its time"),
    );
    all.push(
        Action::made(View, 3, "view.performance", "Performance", performance)
            .about("Where the time of a frame and of a trace goes, and how much memory traces take")
            .checked(|on| on.performance),
    );
    let texts = |on: &ActionState<'_>| Command::ShowTexts(!on.sides.texts);
    let inspector = |on: &ActionState<'_>| Command::ShowInspector(!on.sides.inspector);
    all.push(
        Action::made(View, 3, "view.texts", "Texts", texts)
            .keys([ctrl(Key::B)])
            .about("The list on the left; a narrow window has room for it or for the inspector")
            .checked(|on| on.sides.texts),
    );
    all.push(
        Action::made(View, 3, "view.inspector", "Inspector", inspector)
            .keys([ctrl(Key::I)])
            .about("The account on the right of whatever is pointed at; a narrow window begins without it")
            .checked(|on| on.sides.inspector),
    );
    all.extend(themes);
    all
}

fn go() -> Vec<Action> {
    use Menu::Go;
    let walk = |id, title, command| Action::new((Go, 0), id, title, Command::Walk(command));
    let (forward, back) = (WalkCommand::Forward, WalkCommand::Back);
    vec![
        walk("go.next_stage", "Next stage", forward)
            .keys([alt(Key::ArrowRight), plain(Key::ArrowRight)])
            .repeats()
            .when(has_model),
        walk("go.previous_stage", "Previous stage", back)
            .keys([alt(Key::ArrowLeft), plain(Key::ArrowLeft)])
            .repeats()
            .when(has_model),
        walk("go.first_stage", "First stage", WalkCommand::First)
            .keys([plain(Key::Home)])
            .when(has_model),
        walk("go.last_stage", "Last stage", WalkCommand::Last)
            .keys([plain(Key::End)])
            .when(has_model),
        walk("go.play", "Play or pause the walk", WalkCommand::Toggle)
            .keys([plain(Key::Space)])
            .about("Through the stages by itself, with a sentence on each")
            .checked(|on| on.walk.is_playing())
            .when(has_model),
        Action::new(
            (Go, 1),
            "go.next_area",
            "Next part of the window",
            Command::NextArea(true),
        )
        .keys([plain(Key::F6)])
        .about("Menu, spine, texts, panel, inspector, status"),
        Action::new(
            (Go, 1),
            "go.previous_area",
            "Previous part of the window",
            Command::NextArea(false),
        )
        .keys([shift(Key::F6)]),
        Action::new((Go, 1), "go.next_tab", "Next tab", Command::NextTab(true))
            .keys([ctrl(Key::PageDown)])
            .repeats()
            .about("Of the group that the last shown panel is in"),
        Action::new(
            (Go, 1),
            "go.previous_tab",
            "Previous tab",
            Command::NextTab(false),
        )
        .keys([ctrl(Key::PageUp)])
        .repeats(),
    ]
}

fn help() -> Vec<Action> {
    use Menu::Help;
    vec![
        Action::new(
            (Help, 0),
            "help.palette",
            "Command palette…",
            Command::ShowPalette,
        )
        .keys([ctrl(Key::K), ctrl_shift(Key::P)])
        .about("Everything that can be done, by name"),
        Action::new(
            (Help, 0),
            "help.shortcuts",
            "Keyboard shortcuts",
            Command::ShowShortcuts(true),
        )
        .keys([plain(Key::F1), ctrl(Key::Slash)]),
        Action::new(
            (Help, 1),
            "help.tour",
            "Tour",
            Command::Tour(TourCommand::Start),
        )
        .about("Two minutes through the stages, on two sentences")
        .when(has_model),
    ]
}

fn has_model(on: &ActionState<'_>) -> Result<(), &'static str> {
    on.model.map(|_| ()).ok_or("no model is open")
}
