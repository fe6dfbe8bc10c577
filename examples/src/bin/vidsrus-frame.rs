//! Writes one frame of a film to a PNG file: `vidsrus-frame nosferatu 93 480 frame.png`.

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Parser;
use mcp_examples::vidsrus::{Catalogue, frame};

/// Writes one frame of a film to a PNG file.
#[derive(Parser)]
struct Arguments {
    /// Which film, for instance `nosferatu`
    title: String,
    /// Which second of the film
    second: u32,
    /// How many lines the picture has
    height: u32,
    /// Where the file goes
    file: PathBuf,
    /// A catalogue to use instead of the bundled one
    #[arg(long)]
    catalogue: Option<PathBuf>,
}

fn main() -> ExitCode {
    match write(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vidsrus-frame: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let catalogue = match &arguments.catalogue {
        Some(path) => Catalogue::load(path)?,
        None => Catalogue::bundled(),
    };
    let film = catalogue.film(&arguments.title)?;
    let frame = frame::render(film, arguments.second, arguments.height)?;
    std::fs::write(&arguments.file, &frame.png)?;
    eprintln!(
        "{}: {} by {} pixels, {} bytes",
        arguments.file.display(),
        frame.width,
        frame.height,
        frame.png.len()
    );
    Ok(())
}
