//! How far a call is: a bar on a terminal, nothing elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mcp_client::Progress;

use super::{Console, plain, table};

/// The bar of one call; nothing is drawn before there is progress.
#[derive(Debug)]
pub(crate) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(crate) fn new(console: &Console, name: &str) -> Self {
        if !console.bar {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr());
        bar.set_prefix(table::cut(&plain::one_line(name), 40));
        Self(Some(bar))
    }

    /// Shows news.
    pub(crate) fn show(&self, progress: &Progress) {
        let Some(bar) = &self.0 else { return };
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
        if let Some(bar) = &self.0 {
            bar.disable_steady_tick();
            match bar.position() > 0 || !bar.message().is_empty() {
                true => bar.abandon(),
                false => bar.finish_and_clear(),
            }
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
