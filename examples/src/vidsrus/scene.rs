//! What is to be seen in a film: places, weather and people, as brightness on a canvas.
//!
//! A film is cut into shots. Each shot has its own camera, light and ground, drawn from the film's
//! id, and moves with the time inside it. The module knows the catalogue's words for a look and
//! nothing of colours, captions or files.

use std::f32::consts::{FRAC_PI_2, FRAC_PI_3};

use super::{
    canvas::{Canvas, Clouds, chance, hash, noise, noise2},
    catalogue::{Film, Hour, Setting, Walker},
};

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

    fn castle(&self, canvas: &mut Canvas) {
        self.far_hills(canvas, 0.72, 0.55);
        let rock = Layer {
            level: 0.84,
            rise: 0.2,
            wide: 1.7,
            rough: 0.35,
            near: 0.8,
            tone: 0.12,
            haze: 0.16,
            seed: 13,
        };
        let middle = self.aspect * (0.25 + 0.5 * self.random(20)) - (self.pan * 0.8) % 0.3;
        let foot = rock.outline(self, middle).min(rock.outline(self, middle - 0.15)) - 0.01;
        let towers = [
            (-0.19, 0.028, 0.16, 0.09),
            (-0.105, 0.04, 0.25, 0.0),
            (-0.02, 0.05, 0.31, 0.14),
            (0.075, 0.026, 0.37, 0.12),
            (0.15, 0.042, 0.2, 0.0),
            (0.215, 0.022, 0.13, 0.08),
        ];
        let crag = |u: f32| {
            let away = ((u - middle) / 0.42).abs();
            foot - 0.02 + 0.5 * away * away * away + 0.03 * noise(self.seed ^ 21, u * 18.0)
        };
        let outline = |u: f32| {
            let mut top = rock.outline(self, u).min(crag(u));
            let du = u - middle;
            if du.abs() < 0.21 {
                let crenel = if (du * 75.0).rem_euclid(1.0) < 0.5 { 0.012 } else { 0.0 };
                top = top.min(foot - 0.1 - crenel);
            }
            for (at, half, tall, roof) in towers {
                let away = (du - at).abs();
                let eaves = half * 1.25;
                if roof > 0.0 && away < eaves {
                    top = top.min(foot - tall - roof * (1.0 - away / eaves));
                } else if away < half {
                    let crenel = if (du * 75.0).rem_euclid(1.0) < 0.5 { 0.014 } else { 0.0 };
                    top = top.min(foot - tall - crenel);
                }
            }
            top
        };
        canvas.below(outline, |_, v, _| 0.1 + 0.3 * (v - foot).clamp(0.0, 0.4));
        for (which, (at, _, tall, _)) in towers.into_iter().enumerate() {
            let lit = chance(self.seed, which as i32, 22);
            if lit < 0.75 {
                let flicker = 0.9 + 0.08 * (self.now * 2.3 + which as f32).sin();
                let (u, v) = (middle + at, foot - tall + 0.035);
                canvas.puff(u, v, 0.035, 0.9, 0.4);
                canvas.stroke([u, v], [u, v + 0.012], [0.005, 0.005], flicker);
            }
        }
        self.birds(canvas, 5);
        self.firs(canvas);
        self.walk(canvas, 0.965, 0.2);
    }

    fn skyline(&self, canvas: &mut Canvas) {
        let low = self.sky[1];
        let lit = match self.hour {
            Hour::Night => 0.5,
            Hour::Dusk => 0.28,
            Hour::Day => 0.0,
        };
        if self.night() {
            for beam in 0..2 {
                let foot = self.aspect * (0.2 + 0.6 * self.random(30 + beam));
                let lean = 0.5 * (self.now * 0.21 + beam as f32 * 2.0 + self.random(33)).sin();
                for step in 0..14 {
                    let s = step as f32 / 14.0;
                    canvas.puff(foot + lean * s, 0.75 - 0.8 * s, 0.05 + 0.05 * s, 0.8, 0.13);
                }
            }
        }
        let blocks = [
            Blocks { wide: 0.17, foot: 0.62, tall: 0.34, near: 0.2, tone: low * 0.68, seed: 31 },
            Blocks { wide: 0.24, foot: 0.76, tall: 0.42, near: 0.45, tone: low * 0.42, seed: 32 },
            Blocks { wide: 0.36, foot: 0.93, tall: 0.44, near: 0.8, tone: low * 0.2, seed: 33 },
        ];
        for (depth, row) in blocks.into_iter().enumerate() {
            let pitch = 0.019 + 0.008 * depth as f32;
            let columns = canvas.columns(|u| row.windows(self, u, pitch));
            let shade = |x: usize, v: f32, below: f32| {
                let Windows { house, column, across, roof, top } = columns[x];
                let haze = low * 0.3 * (below * 1.4).min(1.0) * (1.0 - row.near);
                let wall = row.tone + haze;
                let floor = ((v - roof) / (pitch * 1.5)).floor();
                let down = (v - roof) / (pitch * 1.5) - floor;
                let pane = (0.25..0.75).contains(&across) && (0.3..0.77).contains(&down);
                let (upper, lower) = (floor * pitch * 1.5, (floor + 1.0) * pitch * 1.5);
                if !pane || roof + upper < top || roof + lower > STREET {
                    return wall;
                }
                // Now and then somebody turns a light on or off.
                let hours = (self.now / 5.0 + 40.0 * chance(house, 1, 1)) as i32 / 9;
                let glow = chance(house ^ hours as u32, column, floor as i32);
                if glow < lit * (0.55 + 0.25 * depth as f32) {
                    0.62 + 0.36 * (glow * 97.0).fract()
                } else {
                    wall * 0.72
                }
            };
            canvas.below(|u| row.outline(self, u), shade);
        }
        let street = Layer { level: STREET, tone: 0.05, haze: 0.06, near: 1.0, ..Layer::FLAT };
        self.ridge(canvas, street);
        self.lamps(canvas);
        self.walk(canvas, 0.97, 0.17);
    }

    fn crooked(&self, canvas: &mut Canvas) {
        self.far_hills(canvas, 0.7, 0.9);
        let low = self.sky[1];
        for (depth, (foot, tall, wide, near, tone)) in
            [(0.66, 0.24, 0.3, 0.3, low * 0.5), (0.84, 0.36, 0.44, 0.65, low * 0.22)]
                .into_iter()
                .enumerate()
        {
            let key = self.seed ^ (40 + depth as u32);
            let house = |u: f32| {
                let at = (u + self.pan * near) / wide;
                // The walls lean, so the border between two houses wanders.
                (at.floor() as i32, at.rem_euclid(1.0))
            };
            let outline = |u: f32| {
                let (number, across) = house(u);
                let tip = 0.2 + 0.6 * chance(key, number, 1);
                let eaves = foot - tall * (0.25 + 0.45 * chance(key, number, 2));
                let peak = tall * (0.35 + 0.35 * chance(key, number, 3));
                let slope = if across < tip { across / tip } else { (1.0 - across) / (1.0 - tip) };
                let chimney = 0.15 + 0.6 * chance(key, number, 4);
                let stack = (across - chimney).abs() < 0.045;
                let roof = eaves - peak * slope;
                if across < 0.03 { foot } else { roof - if stack { 0.07 } else { 0.0 } }
            };
            canvas.below(outline, |_, _, down| tone + 0.16 * low * (down * 2.0).min(1.0));
            let first = (self.pan * near / wide).floor() as i32;
            for number in first..=first + (self.aspect / wide) as i32 + 1 {
                let random = |which| chance(key, number, which);
                if random(5) < 0.2 {
                    continue;
                }
                let u = (number as f32 + 0.3 + 0.4 * random(6)) * wide - self.pan * near;
                let v = foot - tall * (0.12 + 0.2 * random(7));
                let lean = 0.05 * (random(8) - 0.5);
                let flicker = 0.8 + 0.15 * (self.now * 1.7 + number as f32).sin();
                canvas.puff(u, v, 0.1, 0.85, 0.4);
                canvas.stroke([u, v + 0.025], [u + lean, v - 0.03], [0.02, 0.011], flicker);
                canvas.stroke([u, v + 0.03], [u + lean, v - 0.04], [0.003, 0.002], tone);
                canvas.stroke([u - 0.02, v], [u + lean + 0.02, v - 0.004], [0.002, 0.003], tone);
            }
        }
        let lane = |u: f32| 0.93 + 0.05 * ((u + self.pan) * 2.2).sin();
        canvas.below(lane, |_, _, _| 0.06);
        self.lamps(canvas);
        self.walk(canvas, 0.96, 0.2);
    }

    fn moonscape(&self, canvas: &mut Canvas) {
        // The earth, lit from one side.
        let (u, v) = (self.aspect - self.light[0], 0.3 + 0.1 * self.random(50));
        canvas.glow(u, v, 0.16, 0.12);
        let (turn, lands) = (self.now * 0.01, self.seed);
        canvas.ball([u, v], [0.15, 0.15], |across, down| {
            let front = (1.0 - across * across - down * down).max(0.0).sqrt();
            let sunlight = (0.62 * across - 0.5 * down + 0.6 * front).max(0.0);
            // Longitudes crowd together towards the rim.
            let east = across.atan2(front + 0.2) * 1.4 + turn + 50.0;
            let rough = noise2(lands ^ 51, east * 1.6, down * 2.4 + 9.0) * 0.7
                + noise2(lands ^ 57, east * 5.0, down * 6.0 + 9.0) * 0.3;
            let land = ((rough - 0.5) * 9.0).clamp(0.0, 1.0);
            0.13 + sunlight * (0.55 + 0.35 * land)
        });
        self.far_hills(canvas, 0.74, 1.0);
        let ground = Layer {
            level: 0.86,
            rise: 0.08,
            wide: 1.2,
            rough: 0.5,
            near: 0.9,
            tone: 0.5,
            haze: -0.28,
            seed: 52,
        };
        self.ridge(canvas, ground);
        for crater in 0..9 {
            let place = chance(self.seed, crater, 53) * (self.aspect + 0.8) + self.pan * 0.9;
            let u = place.rem_euclid(self.aspect + 0.8) - 0.4;
            let v = ground.outline(self, u) + 0.03 + 0.11 * chance(self.seed, crater, 54);
            let wide = 0.03 + 0.07 * chance(self.seed, crater, 55);
            canvas.ball([u, v + 0.004], [wide * 1.1, wide * 0.27], |_, down| 0.5 + 0.2 * down);
            canvas.ball([u, v], [wide, wide * 0.22], |across, down| 0.2 + 0.14 * (down - across));
        }
        // The shell, stuck in the dust at a slant.
        let u = self.aspect * (0.3 + 0.4 * self.random(56)) - (self.pan * 0.9) % 0.2;
        let v = ground.outline(self, u) + 0.03;
        canvas.stroke([u, v], [u + 0.09, v - 0.2], [0.058, 0.058], 0.1);
        canvas.stroke([u + 0.09, v - 0.2], [u + 0.13, v - 0.29], [0.056, 0.012], 0.1);
        canvas.stroke([u + 0.045, v - 0.02], [u + 0.115, v - 0.185], [0.007, 0.007], 0.55);
        canvas.disc(u + 0.055, v - 0.13, 0.02, 0.95);
        self.walk(canvas, 0.95, 0.19);
    }

    fn graveyard(&self, canvas: &mut Canvas) {
        self.far_hills(canvas, 0.74, 0.3);
        let low = self.sky[1];
        // Mist lies in the valley.
        for bank in 0..8 {
            let drift = chance(self.seed, bank, 60) * 2.4 + self.now * 0.02;
            let u = drift.rem_euclid(self.aspect + 0.8) - 0.4;
            canvas.puff(u, 0.74 + 0.05 * chance(self.seed, bank, 61), 0.3, low * 1.15, 0.35);
        }
        let hill = Layer {
            level: 0.85,
            rise: 0.1,
            wide: 0.9,
            rough: 0.15,
            near: 0.9,
            tone: 0.1,
            haze: 0.07,
            seed: 62,
        };
        let tree = self.aspect * if self.random(63) < 0.5 { 0.14 } else { 0.86 };
        let root = hill.outline(self, tree) + 0.04;
        self.branch(canvas, [tree, root], -FRAC_PI_2 + 0.08 * (self.now * 0.5).sin(), 0.19, 7, 64);
        self.ridge(canvas, hill);
        let span = self.aspect + 0.6;
        for grave in 0..15 {
            let place = chance(self.seed, grave, 65) * span - self.pan * 0.9;
            let u = place.rem_euclid(span) - 0.3;
            let size = 0.6 + 0.9 * chance(self.seed, grave, 66);
            let v = hill.outline(self, u) + 0.015 * size;
            let lean = 0.03 * (chance(self.seed, grave, 67) - 0.5);
            let tall = 0.085 * size;
            if chance(self.seed, grave, 68) < 0.55 {
                canvas.stroke([u, v], [u + lean, v - tall], [0.007 * size; 2], 0.06);
                let (cu, cv) = (u + lean * 0.68, v - tall * 0.68);
                canvas.stroke(
                    [cu - 0.026 * size, cv],
                    [cu + 0.026 * size, cv],
                    [0.006 * size; 2],
                    0.06,
                );
            } else {
                canvas.stroke([u, v], [u + lean, v - tall * 0.55], [0.024 * size; 2], 0.07);
            }
        }
        self.birds(canvas, 3);
        self.walk(canvas, 0.955, 0.22);
    }

    fn railway(&self, canvas: &mut Canvas) {
        self.far_hills(canvas, 0.68, 0.2);
        let low = self.sky[1];
        let field = Layer {
            level: 0.78,
            rise: 0.06,
            wide: 1.4,
            rough: 0.2,
            near: 0.7,
            tone: low * 0.3,
            haze: low * 0.22,
            seed: 70,
        };
        self.ridge(canvas, field);
        let rail = 0.86;
        canvas.below(|_| rail + 0.006, |_, _, depth| 0.16 + 0.5 * depth.min(0.2));
        let inside = self.now % Self::SECONDS as f32;
        let head = 0.35 + self.random(71) * self.aspect + 0.045 * inside;
        self.smoke(canvas, head - 0.06, rail - 0.22, self.sky[1] * 0.9);
        for car in 0..4 {
            let right = head - 0.36 - 0.29 * car as f32;
            canvas.block([right - 0.26, rail - 0.115], [right, rail - 0.025], 0.1);
            canvas.block([right - 0.27, rail - 0.13], [right + 0.01, rail - 0.112], 0.07);
            canvas.block([right - 0.28, rail - 0.04], [right + 0.03, rail - 0.028], 0.05);
            for pane in 0..4 {
                let u = right - 0.235 + 0.06 * pane as f32;
                canvas.block([u, rail - 0.095], [u + 0.035, rail - 0.06], 0.85);
            }
            for wheel in [-0.22, -0.17, -0.08, -0.03] {
                self.wheel(canvas, right + wheel, rail, 0.017);
            }
        }
        self.locomotive(canvas, head, rail);
        for pole in 0..6 {
            let u = (0.55 * pole as f32 - self.pan * 1.2).rem_euclid(3.3) - 0.3;
            canvas.stroke([u, rail + 0.05], [u, 0.42], [0.007, 0.005], 0.04);
            canvas.stroke([u - 0.05, 0.46], [u + 0.05, 0.46], [0.004, 0.004], 0.04);
        }
        let grass = |u: f32| {
            let at = u + self.pan * 1.3;
            0.95 - 0.02 * noise(self.seed ^ 72, at * 3.0) - 0.018 * noise(self.seed ^ 73, at * 90.0)
        };
        canvas.below(grass, |_, _, _| 0.04);
    }

    fn locomotive(&self, canvas: &mut Canvas, head: f32, rail: f32) {
        let dark = 0.05;
        canvas.stroke([head - 0.25, rail - 0.09], [head - 0.04, rail - 0.09], [0.036, 0.036], dark);
        canvas.block([head - 0.33, rail - 0.17], [head - 0.23, rail - 0.03], dark);
        canvas.block([head - 0.345, rail - 0.185], [head - 0.215, rail - 0.168], dark);
        canvas.block([head - 0.305, rail - 0.15], [head - 0.262, rail - 0.11], 0.88);
        canvas.stroke([head - 0.06, rail - 0.11], [head - 0.06, rail - 0.17], [0.014, 0.014], dark);
        canvas.stroke([head - 0.06, rail - 0.18], [head - 0.06, rail - 0.21], [0.018, 0.033], dark);
        canvas.disc(head - 0.13, rail - 0.128, 0.018, dark);
        canvas.disc(head - 0.19, rail - 0.126, 0.014, dark);
        canvas.block([head - 0.34, rail - 0.045], [head - 0.01, rail - 0.03], dark);
        canvas.stroke(
            [head - 0.02, rail - 0.03],
            [head + 0.035, rail - 0.006],
            [0.012, 0.006],
            dark,
        );
        canvas.puff(head + 0.01, rail - 0.13, 0.06, 1.0, 0.5);
        canvas.disc(head - 0.002, rail - 0.13, 0.013, 0.95);
        for (at, radius) in [(0.3, 0.034), (0.22, 0.034), (0.14, 0.034), (0.06, 0.02)] {
            self.wheel(canvas, head - at, rail, radius);
        }
        let turn = self.now * 2.1;
        let (du, dv) = (0.018 * turn.cos(), 0.018 * turn.sin());
        let axle = rail - 0.034;
        canvas.stroke([head - 0.3 + du, axle + dv], [head - 0.14 + du, axle + dv], [0.004; 2], 0.5);
    }

    fn wheel(&self, canvas: &mut Canvas, u: f32, rail: f32, radius: f32) {
        canvas.disc(u, rail - radius, radius, 0.05);
        canvas.disc(u, rail - radius, radius * 0.7, 0.3);
        for spoke in 0..3 {
            let turn = self.now * 2.1 + spoke as f32 * FRAC_PI_3;
            let (du, dv) = (radius * 0.75 * turn.cos(), radius * 0.75 * turn.sin());
            let middle = rail - radius;
            canvas.stroke([u - du, middle - dv], [u + du, middle + dv], [radius * 0.09; 2], 0.05);
        }
    }

    fn smoke(&self, canvas: &mut Canvas, u: f32, v: f32, tone: f32) {
        for puff in (0..40).rev() {
            let age = 0.5 * (puff as f32 + (self.now * 1.7).fract());
            let sway = 0.05 * noise(self.seed ^ 75, self.now * 0.6 - age * 0.5 + 50.0);
            let rise = 0.045 * age.sqrt() + sway * (age * 0.2).min(1.0);
            let lump = tone * (0.85 + 0.3 * chance(self.seed, puff, 76));
            let radius = 0.024 + 0.008 * age;
            canvas.puff(u - 0.04 * age, v - rise, radius, lump, 0.7 - 0.032 * age);
        }
    }

    fn sea(&self, canvas: &mut Canvas) {
        let horizon = 0.62;
        let [sun, _, size] = self.light;
        let low = self.sky[1];
        let now = self.now;
        let path = canvas.columns(|u| {
            let away = (u - sun) / (size * 1.7);
            (u, 1.0 / (1.0 + away * away))
        });
        let seed = self.seed;
        let water = |x: usize, _: f32, depth: f32| {
            let (u, glitter) = path[x];
            let near = depth / (1.0 - horizon);
            let ripples = 220.0 / (1.0 + 14.0 * near);
            let row = (depth * (150.0 - 70.0 * near)) as i32;
            let wave = noise(seed ^ row as u32, u * ripples * 0.35 + now * 0.7 * (1.0 + near));
            let calm = low * (0.5 - 0.33 * near);
            calm + 0.1 * (wave - 0.5) + glitter * 0.75 * (wave - 0.42).max(0.0) * (1.4 - near)
        };
        canvas.below(|_| horizon, water);
        let heave = 0.006 * (now * 0.6).sin();
        let way = (self.random(80) * 2.0 + now * 0.012) % (self.aspect + 0.9) - 0.2;
        let (u, v) = (way, horizon + 0.035 + heave);
        self.smoke(canvas, u + 0.02, v - 0.22, self.sky[1] * 0.28);
        let dark = 0.09;
        canvas.stroke([u - 0.36, v - 0.032], [u + 0.36, v - 0.036], [0.022, 0.02], dark);
        canvas.stroke([u + 0.3, v - 0.03], [u + 0.43, v - 0.048], [0.022, 0.006], dark);
        canvas.block([u - 0.4, v - 0.05], [u - 0.2, v - 0.01], dark);
        canvas.block([u - 0.16, v - 0.1], [u + 0.2, v - 0.04], dark);
        canvas.block([u + 0.1, v - 0.14], [u + 0.18, v - 0.09], dark);
        for funnel in [-0.06, 0.03] {
            let [foot, top] = [[u + funnel, v - 0.08], [u + funnel - 0.008, v - 0.215]];
            canvas.stroke(foot, top, [0.022, 0.02], dark);
        }
        for mast in [-0.14, 0.14] {
            canvas.stroke([u + mast, v - 0.08], [u + mast, v - 0.32], [0.005, 0.003], dark);
            canvas.stroke(
                [u + mast - 0.03, v - 0.24],
                [u + mast + 0.03, v - 0.24],
                [0.003; 2],
                dark,
            );
            canvas.stroke(
                [u + mast, v - 0.3],
                [u + 0.36 * mast.signum(), v - 0.06],
                [0.0015; 2],
                dark,
            );
        }
        for (turret, aim) in [(-0.24, -1.0), (0.26, 1.0)] {
            canvas.stroke(
                [u + turret - 0.02, v - 0.066],
                [u + turret + 0.02, v - 0.066],
                [0.017; 2],
                dark,
            );
            let muzzle = [u + turret + aim * 0.1, v - 0.085];
            canvas.stroke([u + turret, v - 0.072], muzzle, [0.005, 0.004], dark);
        }
        let flag = 0.012 * (now * 3.0).sin();
        canvas.stroke([u - 0.14, v - 0.315], [u - 0.2, v - 0.305 + flag], [0.014, 0.011], 0.62);
        for pane in 0..9 {
            canvas.disc(u - 0.14 + 0.035 * pane as f32, v - 0.07, 0.0045, 0.85);
        }
        for (crest, tone) in [(0.8, 0.2), (0.9, 0.1)] {
            let swell = |u: f32| {
                let at = u + self.pan * crest * 2.0 + now * 0.08;
                let rough = 0.02 * noise(seed ^ 81, at * 9.0) + 0.008 * noise(seed ^ 82, at * 31.0);
                crest + 0.025 * (at * 5.5 + crest * 9.0).sin() + 0.012 * (at * 11.0).sin() - rough
            };
            let foam = |_: usize, _: f32, depth: f32| {
                tone * low * 1.6 + 0.34 * low * (1.0 - depth * 55.0).max(0.0)
            };
            canvas.below(swell, foam);
        }
        self.birds(canvas, 6);
    }

    fn minarets(&self, canvas: &mut Canvas) {
        self.far_hills(canvas, 0.78, 0.1);
        let low = self.sky[1];
        for (foot, wide, near, tone, key) in
            [(0.8, 0.42, 0.35, low * 0.42, 90), (0.92, 0.62, 0.75, low * 0.14, 91)]
        {
            let key = self.seed ^ key;
            let size = wide / 0.5;
            let outline = |u: f32| {
                let at = (u + self.pan * near) / wide;
                let (number, across) = (at.floor() as i32, at.rem_euclid(1.0));
                let tall = size * (0.7 + 0.5 * chance(key, number, 1));
                let from = |middle: f32| (across - middle).abs() * wide;
                let mut top = foot - 0.07 * size * (0.6 + chance(key, number, 2));
                // A dome that swells before it closes, with a spire on it.
                let (r, away) = (0.105 * size, from(0.4));
                if away < r * 0.9 {
                    top = top.min(foot - 0.14 * tall);
                }
                if away < r {
                    let round = (1.0 - (away / r).powi(2)).sqrt();
                    let tip = (1.0 - away / (0.6 * r)).max(0.0);
                    top = top.min(foot - 0.15 * tall - r * (0.85 * round + 0.5 * tip * tip));
                }
                if away < 0.003 * size {
                    top = top.min(foot - 0.15 * tall - r * 1.75);
                }
                for (middle, share) in [(0.08, 0.42), (0.78, 0.34)] {
                    let (away, reach) = (from(middle), share * tall);
                    if away < 0.014 * size {
                        top = top.min(foot - reach);
                    }
                    if away < 0.022 * size {
                        let cap = 0.022 * size;
                        top = top.min(foot - reach * 0.82).max(foot - reach - 0.1 * size);
                        let cone = 1.0 - away / cap;
                        if away < 0.018 * size {
                            top = top.min(foot - reach - 0.075 * size * cone * cone);
                        }
                    }
                }
                top
            };
            canvas.below(outline, |_, _, down| tone + 0.2 * low * (down * 1.6).min(1.0));
            let first = (self.pan * near / wide).floor() as i32;
            for number in first..=first + (self.aspect / wide) as i32 + 1 {
                for pane in 0..3 {
                    let u = (number as f32 + 0.28 + 0.12 * pane as f32) * wide - self.pan * near;
                    let v = foot - 0.075 * size;
                    let flicker = 0.85 + 0.12 * (self.now * 2.0 + (number + pane) as f32).sin();
                    canvas.stroke([u, v], [u, v + 0.02 * size], [0.008 * size; 2], flicker);
                }
            }
        }
        let (u, v) = (
            (self.random(92) * 3.0 + self.now * 0.03).rem_euclid(self.aspect + 0.6) - 0.3,
            0.24 + 0.03 * (self.now * 0.7).sin(),
        );
        self.flying_horse(canvas, u, v);
        let dunes = |u: f32| 0.95 - 0.03 * noise(self.seed ^ 93, (u + self.pan) * 1.5);
        canvas.below(dunes, |_, _, _| 0.05);
        self.walk(canvas, 0.96, 0.17);
    }

    fn flying_horse(&self, canvas: &mut Canvas, u: f32, v: f32) {
        let dark = 0.04;
        let beat = (self.now * 2.4).sin();
        canvas.stroke([u - 0.05, v], [u + 0.045, v - 0.008], [0.024, 0.022], dark);
        canvas.stroke([u + 0.05, v - 0.01], [u + 0.095, v - 0.07], [0.018, 0.01], dark);
        canvas.stroke([u + 0.092, v - 0.072], [u + 0.13, v - 0.05], [0.012, 0.007], dark);
        canvas.stroke([u - 0.06, v - 0.008], [u - 0.12, v + 0.03], [0.01, 0.003], dark);
        for (leg, reach) in [(-0.055, -0.05), (-0.035, -0.03), (0.03, 0.05), (0.05, 0.065)] {
            let knee = [u + leg + reach * 0.6, v + 0.045];
            canvas.stroke([u + leg, v + 0.01], knee, [0.008, 0.005], dark);
            canvas.stroke(
                knee,
                [u + leg + reach * (0.6 + 0.2 * beat), v + 0.085],
                [0.005, 0.003],
                dark,
            );
        }
        for feather in 0..5 {
            let back = 0.025 * feather as f32;
            let tip = [u - 0.03 - back, v - 0.13 * beat - 0.03 + back * 0.6];
            canvas.stroke([u + 0.01, v - 0.015], tip, [0.012, 0.003], dark);
        }
        canvas.stroke([u - 0.005, v - 0.025], [u + 0.005, v - 0.075], [0.014, 0.01], dark);
        canvas.disc(u + 0.008, v - 0.095, 0.014, dark);
        canvas.stroke([u - 0.004, v - 0.106], [u + 0.02, v - 0.106], [0.009, 0.007], dark);
    }

    fn branch(
        &self,
        canvas: &mut Canvas,
        from: [f32; 2],
        angle: f32,
        length: f32,
        left: u32,
        key: u32,
    ) {
        let to = [from[0] + length * angle.cos(), from[1] + length * angle.sin()];
        let thick = 0.0022 * left as f32;
        canvas.stroke(from, to, [thick, thick * 0.72], 0.06);
        if left > 1 {
            for side in [-1.0, 1.0] {
                let next = hash(self.seed ^ key, side as i32, left as i32);
                let turn = side * (0.3 + 0.4 * chance(next, 1, 1));
                let shrink = 0.62 + 0.22 * chance(next, 2, 2);
                self.branch(canvas, to, angle + turn, length * shrink, left - 1, next);
            }
        }
    }

    fn firs(&self, canvas: &mut Canvas) {
        let wide = 0.11;
        let outline = |u: f32| {
            let at = (u + self.pan * 1.2) / wide;
            let (number, across) = (at.floor() as i32, at.rem_euclid(1.0));
            let tall = 0.09 + 0.15 * chance(self.seed ^ 23, number, 1);
            let edge = (across - 0.5).abs() * 2.0;
            let open = chance(self.seed ^ 24, number, 0) < 0.35;
            let jag = 0.16 * (edge * 7.0).fract();
            let height = if open {
                0.0
            } else {
                tall * ((1.0 - edge).powf(1.5) - jag * edge * (1.0 - edge)).max(0.0)
            };
            0.955 - height - 0.012 * noise(self.seed ^ 25, at * 3.0)
        };
        canvas.below(outline, |_, _, _| 0.035);
    }

    fn lamps(&self, canvas: &mut Canvas) {
        for lamp in 0..4 {
            let u = (0.75 * lamp as f32 - self.pan).rem_euclid(3.0) - 0.4;
            let (v, dark) = (0.72, 0.03);
            if self.hour != Hour::Day {
                canvas.puff(u, v, 0.16, 1.0, 0.4);
            }
            canvas.stroke([u, 0.97], [u, v + 0.02], [0.007, 0.004], dark);
            canvas.stroke([u - 0.014, v - 0.024], [u + 0.014, v - 0.024], [0.006; 2], dark);
            let bright = if self.hour == Hour::Day { 0.4 } else { 0.98 };
            canvas.stroke([u, v - 0.008], [u, v + 0.006], [0.013, 0.009], bright);
        }
    }

    fn birds(&self, canvas: &mut Canvas, many: i32) {
        for bird in 0..many {
            let place =
                chance(self.seed, bird, 100) * 0.35 + 0.5 * self.random(101) + self.now * 0.025;
            let u = place.rem_euclid(self.aspect + 0.4) - 0.2;
            let v =
                0.12 + 0.22 * chance(self.seed, bird, 102) + 0.01 * (self.now + bird as f32).sin();
            let beat = 0.012 * (self.now * 3.1 + bird as f32 * 1.7).sin();
            let tone = self.sky[0] * 0.35;
            for side in [-1.0, 1.0] {
                let bend = [u + side * 0.014, v - 0.006 - beat];
                canvas.stroke([u, v], bend, [0.0035, 0.003], tone);
                canvas.stroke(bend, [u + side * 0.03, v - beat * 0.4], [0.003, 0.001], tone);
            }
        }
    }

    /// Somebody who crosses the picture on the ground at height `ground`.
    fn walk(&self, canvas: &mut Canvas, ground: f32, tall: f32) {
        if self.walker == Walker::None || self.random(110) < 0.2 {
            return;
        }
        let dark = 0.02;
        let way = if self.random(111) < 0.5 { -1.0 } else { 1.0 };
        let inside = self.now % Self::SECONDS as f32;
        let start = if way > 0.0 { 0.1 } else { 0.9 };
        let u = self.aspect * (start + way * 0.05 * inside);
        let stride = (self.now * 2.6).sin();
        let at = |x: f32, y: f32| [u + way * x * tall, ground - y * tall];
        let wide = |w: f32| w * tall;
        match self.walker {
            Walker::None => {}
            Walker::Bowler => {
                for side in [-1.0, 1.0] {
                    let foot = at(side * 0.17 * stride, 0.0);
                    canvas.stroke(at(0.0, 0.45), foot, [wide(0.07), wide(0.05)], dark);
                    let toe = [foot[0] + way * wide(0.09), foot[1]];
                    canvas.stroke(foot, toe, [wide(0.035); 2], dark);
                }
                canvas.stroke(at(0.0, 0.45), at(0.0, 0.72), [wide(0.11), wide(0.09)], dark);
                canvas.stroke(at(0.0, 0.72), at(0.17, 0.48), [wide(0.035), wide(0.03)], dark);
                canvas.stroke(
                    at(0.17, 0.48),
                    at(0.26 + 0.05 * stride, 0.0),
                    [wide(0.012); 2],
                    dark,
                );
                canvas.stroke(at(0.01, 0.86), at(0.01, 0.88), [wide(0.075); 2], dark);
                canvas.stroke(at(-0.1, 0.94), at(0.12, 0.94), [wide(0.016); 2], dark);
                canvas.stroke(at(0.01, 0.96), at(0.01, 0.985), [wide(0.072), wide(0.06)], dark);
            }
            Walker::Cloak => {
                let hem = 0.03 * stride;
                canvas.stroke(at(-0.05 + hem, 0.1), at(0.0, 0.72), [wide(0.19), wide(0.09)], dark);
                canvas.stroke(at(-0.14 + hem, 0.03), at(0.08, 0.03), [wide(0.035); 2], dark);
                canvas.stroke(at(0.02, 0.84), at(0.0, 0.94), [wide(0.085), wide(0.045)], dark);
                canvas.stroke(at(0.1, 0.62), at(0.26, 0.52), [wide(0.03), wide(0.02)], dark);
                canvas.stroke(at(0.26, 0.52), at(0.26, 0.44), [wide(0.006); 2], dark);
                canvas.puff(at(0.26, 0.4)[0], at(0.26, 0.4)[1], wide(0.4), 0.95, 0.5);
                canvas.disc(at(0.26, 0.4)[0], at(0.26, 0.4)[1], wide(0.035), 0.95);
            }
            Walker::Vampire => {
                let tall = 1.15;
                for side in [-1.0, 1.0] {
                    let foot = at(side * 0.06 * stride, 0.0);
                    canvas.stroke(at(0.0, 0.5), foot, [wide(0.075), wide(0.045)], dark);
                }
                canvas.stroke(at(0.0, 0.3), at(0.0, 0.78 * tall), [wide(0.1), wide(0.085)], dark);
                canvas.stroke(at(0.01, 0.9 * tall), at(0.015, 0.95 * tall), [wide(0.066); 2], dark);
                canvas.stroke(
                    at(-0.05, 0.9 * tall),
                    at(-0.085, 0.97 * tall),
                    [wide(0.022), 0.0],
                    dark,
                );
                let hand = at(0.27, 0.72 + 0.03 * stride);
                canvas.stroke(at(0.05, 0.76 * tall), hand, [wide(0.04), wide(0.022)], dark);
                for finger in 0..4 {
                    let spread = 0.045 * finger as f32 - 0.05;
                    let tip = [hand[0] + way * wide(0.1), hand[1] + wide(spread + 0.03)];
                    canvas.stroke(hand, tip, [wide(0.012), wide(0.004)], dark);
                }
            }
        }
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

/// A row of tall houses.
struct Blocks {
    wide: f32,
    foot: f32,
    tall: f32,
    near: f32,
    tone: f32,
    seed: u32,
}

impl Blocks {
    /// A number for the house at `u`, and the place inside it.
    fn house(&self, shot: &Shot, u: f32) -> (u32, f32) {
        let at = (u + shot.pan * self.near) / self.wide + 50.0;
        let house = hash(shot.seed ^ self.seed, at.floor() as i32, 9);
        (house, at.rem_euclid(1.0) * self.wide)
    }

    fn outline(&self, shot: &Shot, u: f32) -> f32 {
        let (house, across) = self.house(shot, u);
        let (tall, stepped) = self.shape(house);
        let away = self.away(across);
        let spire = if away < 0.03 && stepped && chance(house, 5, 5) < 0.5 { 0.09 } else { 0.0 };
        let tank = !stepped && (0.2..0.5).contains(&away) && across > self.wide * 0.5;
        self.foot - tall * share(away, stepped) - spire - if tank { 0.025 } else { 0.0 }
    }

    /// The windows that stand one above the other at `u`.
    fn windows(&self, shot: &Shot, u: f32, pitch: f32) -> Windows {
        let (house, across) = self.house(shot, u);
        let (tall, stepped) = self.shape(house);
        let column = (across / pitch).floor();
        let edges = [0.25, 0.75].map(|edge| share(self.away((column + edge) * pitch), stepped));
        let whole = edges[0] == edges[1] && edges[0] > NARROW;
        let top = if whole { self.foot - tall * edges[0] } else { f32::INFINITY };
        let across = across / pitch - column;
        // Rounding must not cost the highest row its windows.
        Windows { house, column: column as i32, across, roof: self.foot - tall, top: top - 1e-4 }
    }

    /// How tall a house is, and whether it narrows in steps.
    fn shape(&self, house: u32) -> (f32, bool) {
        (self.tall * (0.35 + 0.65 * chance(house, 3, 3)), chance(house, 4, 4) < 0.6)
    }

    /// The distance from the middle of a house, 1 being its wall.
    fn away(&self, across: f32) -> f32 {
        (across / self.wide - 0.48).abs() * 2.0
    }
}

/// One column of windows.
struct Windows {
    house: u32,
    column: i32,
    /// The place inside the column, from 0 to 1.
    across: f32,
    /// The top of the house, from which its floors are counted.
    roof: f32,
    /// The top of this part of the house.
    top: f32,
}

/// The part of its height a house reaches at some distance from its middle.
fn share(away: f32, stepped: bool) -> f32 {
    match away {
        a if a > 0.95 => NARROW,
        a if a > 0.7 && stepped => 0.74,
        a if a > 0.42 && stepped => 0.9,
        _ => 1.0,
    }
}

/// The part of its height a house reaches in the lane beside it.
const NARROW: f32 = 0.3;

/// Where the street lies in front of the houses.
const STREET: f32 = 0.955;
