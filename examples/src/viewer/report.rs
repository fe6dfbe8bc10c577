//! Visits as text: who the server is, which profiles there are, and what each of them gave.

use mcp_client::Rejection;

use super::console::{Console, Ink, Paint, Table, one_line, size};
use super::picture::Picture;
use super::visit::{Seen, Shot, short};

/// One line about the server.
pub fn server(seen: &Seen, user: Option<&str>, paint: Paint) -> String {
    let user = match user {
        Some(name) => format!("signed in as {}", one_line(name)),
        None => "nobody signed in".to_owned(),
    };
    let Seen { server, version, era, .. } = seen;
    format!("{} · MCP {version} · {era} era · {user}\n", paint.bold(server))
}

/// The profiles on offer, and what came of them.
///
/// `first` is what a client got that asked for profiles, or, if not `asked`, for none; `refused` are those that were
/// refused when they were required.
pub fn profiles(
    first: &Seen,
    asked: bool,
    refused: &[(String, Rejection)],
    paint: Paint,
) -> String {
    let mut table = Table::new();
    let Some(offered) = first.offered.as_ref().filter(|offered| !offered.is_empty()) else {
        return "  no profiles on offer\n".to_owned();
    };
    for entry in offered.iter() {
        let url = entry.url().as_str();
        let refusal = refused.iter().find(|(asked, _)| asked == url);
        let (note, ink) = match refusal {
            Some((_, rejection)) => (format!("refused: {}", why(rejection, url)), Ink::Bad),
            None if first.in_force.has(url) && asked => ("in force".to_owned(), Ink::Good),
            None if first.in_force.has(url) => ("in force unasked".to_owned(), Ink::Good),
            None if asked => ("not in force".to_owned(), Ink::Plain),
            None => ("for the asking".to_owned(), Ink::Plain),
        };
        let default = if entry.is_default() { "default" } else { "" };
        table.row([
            (url, Ink::Name),
            (&format!("from MCP {}", entry.min_mcp_version()), Ink::Dim),
            (default, Ink::Dim),
            (&note, ink),
        ]);
    }
    table.render(paint)
}

/// What each visit gave, side by side.
pub fn comparison(visits: &[Seen], paint: Paint) -> String {
    let mut table = Table::new();
    let titles = visits.iter().map(|seen| (title(seen), Ink::Bold));
    table.row([(String::new(), Ink::Plain)].into_iter().chain(titles));
    let mut line = |name: &str, of: &dyn Fn(&Seen) -> String| {
        let cells = visits.iter().map(|seen| (of(seen), Ink::Plain));
        table.row([(name.to_owned(), Ink::Dim)].into_iter().chain(cells));
    };
    line("preview", &|seen| picture(&seen.preview));
    line("renditions", &|seen| match (seen.renditions.first(), seen.renditions.last()) {
        (Some(least), Some(best)) => {
            format!("{}, {} to {}", seen.renditions.len(), least.name, best.name)
        }
        _ => "none".to_owned(),
    });
    line("storyboard", &|seen| {
        format!("{} pictures, {}", seen.storyboard_pictures, picture(&seen.storyboard))
    });
    line("subtitles", &|seen| match seen.subtitles {
        Some(cues) => format!("{cues} cues"),
        None if seen.tools.iter().any(|tool| tool == "subtitles") => {
            "not in this profile".to_owned()
        }
        None => "no such tool".to_owned(),
    });
    line("tools", &|seen| seen.tools.join(" "));
    table.render(paint)
}

/// What was found.
pub fn films(seen: &Seen, paint: Paint) -> String {
    let mut table = Table::new();
    for film in &seen.films {
        let length = format!("{} min", film.seconds / 60);
        table.row([
            (film.id.as_str(), Ink::Name),
            (&film.title, Ink::Plain),
            (&film.year.to_string(), Ink::Plain),
            (&film.director, Ink::Plain),
            (&length, Ink::Dim),
        ]);
    }
    table.render(paint)
}

/// Where the pictures are.
pub fn files(visits: &[Seen], paint: Paint) -> String {
    let shots = visits.iter().flat_map(|seen| [&seen.preview, &seen.storyboard]);
    let mut table = Table::new();
    for shot in shots {
        let file = shot.file.display().to_string();
        table.row([(file.as_str(), Ink::Plain), (&picture(shot), Ink::Dim)]);
    }
    table.render(paint)
}

/// The picture on the terminal, if that can show colours.
pub fn art(shot: &Shot, console: &Console) -> String {
    let true_colour = std::env::var("COLORTERM")
        .is_ok_and(|value| value.contains("truecolor") || value.contains("24bit"));
    if !console.out.is_on() || !true_colour {
        return String::new();
    }
    // The file was written a moment ago; whoever removed it gets no picture.
    let picture = std::fs::read(&shot.file).ok().and_then(|png| Picture::decode(&png).ok());
    picture.map(|picture| picture.half_blocks(64)).unwrap_or_default()
}

/// Why a profile is not in force, in words.
pub fn why(rejection: &Rejection, url: &str) -> String {
    use mcp_core::profile::ReasonKind;
    let Some(reason) = rejection.reason(url) else { return "not in force".to_owned() };
    match reason.kind() {
        ReasonKind::Unknown => "the server does not know it".to_owned(),
        ReasonKind::McpVersionTooLow(min) => format!("needs MCP {min}"),
        ReasonKind::NotPermitted => "not permitted for this caller".to_owned(),
        ReasonKind::NotRequested => "was not requested".to_owned(),
        ReasonKind::Conflict => "excluded by another profile".to_owned(),
        other => other.as_str().to_owned(),
    }
}

fn title(seen: &Seen) -> String {
    let names: Vec<&str> = seen.in_force.iter().map(|url| short(url.as_str())).collect();
    if names.is_empty() { "no profile".to_owned() } else { names.join(" + ") }
}

fn picture(shot: &Shot) -> String {
    format!("{} × {}, {}", shot.width, shot.height, size(shot.bytes))
}
