//! What is to be seen in a film: places, weather and people, as brightness on a canvas.
//!
//! A film is cut into shots. Each shot has its own camera, light and ground, drawn from the film's
//! id, and moves with the time inside it. The module knows the catalogue's words for a look and
//! nothing of colours, captions or files.

use super::{
    canvas::{Canvas, Clouds, chance, hash, noise, noise2},
    film::{Film, Hour, Setting, Walker},
};

mod country;
mod figures;
mod town;

/// Draws what the camera sees at `second`.
pub(super) fn draw(canvas: &mut Canvas, film: &Film, second: u32) {
    let shot = Shot::of(film, second, canvas.aspect());
    shot.sky(canvas);
    match film.look.setting {
        Setting::Castle => shot.castle(canvas),
        Setting::Skyline => shot.skyline(canvas),
        Setting::Crooked => shot.crooked(canvas),
        Setting::Moonscape => shot.moonscape(canvas),
        Setting::Graveyard => shot.graveyard(canvas),
        Setting::Railway => shot.railway(canvas),
        Setting::Sea => shot.sea(canvas),
        Setting::Minarets => shot.minarets(canvas),
    }
}

/// A number that belongs to the film alone.
pub(super) fn seed(film: &Film) -> u32 {
    film.id.as_str().bytes().fold(0x811c_9dc5, |seed, byte| hash(seed, i32::from(byte), 1))
}

/// One run of the camera.
struct Shot {
    seed: u32,
    /// Seconds since the film began.
    now: f32,
    /// How far the camera has moved sideways, in picture heights.
    pan: f32,
    hour: Hour,
    walker: Walker,
    aspect: f32,
    /// Where the moon or the sun stands and how large it is.
    light: [f32; 3],
    /// Brightness of the sky above and at the horizon.
    sky: [f32; 2],
}

impl Shot {
    const SECONDS: u32 = 16;

    fn of(film: &Film, second: u32, aspect: f32) -> Self {
        let number = (second / Self::SECONDS) as i32;
        let seed = hash(seed(film), number, 7);
        let random = |which| chance(seed, which, 0);
        let inside = (second % Self::SECONDS) as f32;
        let way = if random(1) < 0.5 { -1.0 } else { 1.0 };
        let close = random(2) < 0.3;
        let hour = film.look.hour;
        let (height, size, sky) = match hour {
            Hour::Night => (0.16 + 0.2 * random(3), 0.07, [0.13, 0.46]),
            Hour::Dusk => (0.44 + 0.14 * random(3), 0.1, [0.26, 0.78]),
            Hour::Day => (0.15 + 0.12 * random(3), 0.06, [0.52, 0.86]),
        };
        let size = if close { size * 2.1 } else { size };
        let across = aspect * (0.2 + 0.6 * random(4)) + way * 0.002 * inside;
        Self {
            seed,
            now: second as f32,
            pan: 40.0 * random(5) + way * inside * (0.014 + 0.02 * random(6)),
            hour,
            walker: film.look.walker,
            aspect,
            light: [across, height - 0.0015 * inside, size],
            sky,
        }
    }

    fn random(&self, which: i32) -> f32 {
        chance(self.seed, which, 1)
    }

    fn night(&self) -> bool {
        self.hour == Hour::Night
    }

    fn sky(&self, canvas: &mut Canvas) {
        let [top, low] = self.sky;
        let strength = match self.hour {
            Hour::Night => 0.16,
            Hour::Dusk => 0.2,
            Hour::Day => 0.24,
        };
        let clouds = Clouds { seed: self.seed, drift: self.pan * 0.1 + self.now * 0.006, strength };
        canvas.sky(top, low, 0.72, &clouds);
        let [u, v, size] = self.light;
        if self.night() {
            self.stars(canvas);
        }
        canvas.glow(u, v, size * 1.5, if self.night() { 0.34 } else { 0.3 });
        let spots = hash(self.seed, 8, 8);
        let night = self.night();
        canvas.ball([u, v], [size, size], |across, down| {
            if !night {
                return 0.98;
            }
            let sea = noise2(spots, across * 1.7 + 9.0, down * 1.7 + 9.0);
            let craters = noise2(spots ^ 1, across * 5.0 + 9.0, down * 5.0 + 9.0);
            let dark = ((sea * 0.8 + craters * 0.2 - 0.5) * 4.0).clamp(0.0, 1.0);
            0.98 - 0.17 * dark - 0.05 * (across * across + down * down)
        });
    }

    fn stars(&self, canvas: &mut Canvas) {
        for star in 0..90 {
            let (u, v) = (self.aspect * chance(self.seed, star, 2), chance(self.seed, star, 3));
            let twinkle = (self.now * (1.0 + chance(self.seed, star, 4)) + star as f32).sin();
            let bright = (0.3 + 0.14 * twinkle) * (1.0 - v);
            canvas.puff(u, v * 0.62, 0.0045, 1.0, bright.max(0.0) * 2.0);
        }
    }

    /// Hills or mountains, hazy towards their feet.
    fn ridge(&self, canvas: &mut Canvas, layer: Layer) {
        let outline = |u: f32| layer.outline(self, u);
        canvas.below(outline, |_, _, depth| layer.tone + layer.haze * (depth * 3.0).min(1.0));
    }

    fn far_hills(&self, canvas: &mut Canvas, level: f32, rough: f32) {
        let low = self.sky[1];
        let far =
            Layer { level: level - 0.1, rise: 0.16, wide: 1.6, rough, near: 0.25, ..Layer::FLAT };
        self.ridge(canvas, Layer { tone: low * 0.7, haze: low * 0.2, seed: 11, ..far });
        let mid = Layer { level, rise: 0.15, wide: 2.3, rough, near: 0.5, ..Layer::FLAT };
        self.ridge(canvas, Layer { tone: low * 0.46, haze: low * 0.26, seed: 12, ..mid });
    }
}

/// A line of hills.
#[derive(Clone, Copy)]
struct Layer {
    level: f32,
    rise: f32,
    wide: f32,
    rough: f32,
    /// How much it moves with the camera, from 0 far away to 1.
    near: f32,
    tone: f32,
    haze: f32,
    seed: u32,
}

impl Layer {
    const FLAT: Self = Self {
        level: 0.9,
        rise: 0.0,
        wide: 1.0,
        rough: 0.0,
        near: 0.5,
        tone: 0.1,
        haze: 0.1,
        seed: 0,
    };

    fn outline(&self, shot: &Shot, u: f32) -> f32 {
        let at = (u + shot.pan * self.near) * self.wide + 100.0;
        let seed = shot.seed ^ self.seed;
        let hills = noise(seed, at) + 0.4 * noise(seed ^ 0x100, at * 2.7);
        let rocks =
            (noise(seed ^ 0x200, at * 6.0) - 0.5).abs() + 0.5 * noise(seed ^ 0x300, at * 17.0);
        self.level - self.rise * (hills - 0.5 + self.rough * (rocks - 0.4))
    }
}
