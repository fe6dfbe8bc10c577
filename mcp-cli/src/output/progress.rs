//! How far a call is: a bar on a terminal, nothing elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mcp_client::Progress;

use super::{Console, plain, table};

/// Where bars are drawn, so that they can be taken away while somebody is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Screen(Arc<Mutex<Drawn>>);

#[derive(Debug, Default)]
struct Drawn {
    bar: Option<ProgressBar>,
    hidden: bool,
}

/// While this exists, no bar is drawn.
#[derive(Debug)]
pub(crate) struct Hidden<'a>(&'a Screen);

impl Screen {
    /// Takes the bar away until the value is dropped.
    pub(crate) fn hide(&self) -> Hidden<'_> {
        let mut drawn = self.drawn();
        drawn.hidden = true;
        if let Some(bar) = &drawn.bar {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            // Whoever closed standard error does not see the bar either.
            let _ = Term::stderr().clear_line();
        }
        Hidden(self)
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        let mut drawn = self.0.drawn();
        drawn.hidden = false;
        if let Some(bar) = &drawn.bar {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

/// The bar of one call; nothing is drawn before there is progress.
#[derive(Debug)]
pub(crate) struct Bar<'a> {
    /// `None` where no bar can be drawn.
    screen: Option<&'a Screen>,
    name: &'a str,
    bar: Option<ProgressBar>,
}

impl<'a> Bar<'a> {
    pub(crate) fn new(console: &Console, screen: &'a Screen, name: &'a str) -> Self {
        Self { screen: Some(screen).filter(|_| console.bar), name, bar: None }
    }

    /// Shows news.
    pub(crate) fn show(&mut self, progress: &Progress) {
        let Some(screen) = self.screen else { return };
        let bar = self.bar.get_or_insert_with(|| {
            let mut drawn = screen.drawn();
            let target = match drawn.hidden {
                true => ProgressDrawTarget::hidden(),
                false => ProgressDrawTarget::stderr(),
            };
            let bar = ProgressBar::with_draw_target(Some(STEPS), target);
            bar.set_prefix(table::cut(&plain::one_line(self.name), 40));
            drawn.bar = Some(bar.clone());
            bar
        });
        let message = progress.message.as_deref().map(plain::one_line).unwrap_or_default();
        let message = table::cut(&message, 60);
        match progress.total.filter(|total| *total > 0.0) {
            Some(total) => {
                let part = (progress.done / total).clamp(0.0, 1.0);
                style(bar, "{prefix} {bar:24.cyan/dim} {msg}  {elapsed}");
                bar.set_position((part * STEPS as f64) as u64);
                bar.set_message(
                    format!("{}/{total}  {message}", progress.done).trim_end().to_owned(),
                );
            }
            None => {
                style(bar, "{prefix} {spinner:.cyan} {msg}  {elapsed}");
                bar.enable_steady_tick(Duration::from_millis(120));
                bar.set_message(format!("{}  {message}", progress.done).trim_end().to_owned());
            }
        }
    }

    /// Leaves the bar where it is, if it was drawn.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.disable_steady_tick();
            bar.abandon();
        }
    }
}

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━━━"));
    }
}

/// How finely the bar is divided: servers count in fractions, too.
const STEPS: u64 = 10_000;
