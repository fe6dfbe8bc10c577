//! Places out of doors: mountains, the moon, a graveyard, a railway and the sea.

use std::f32::consts::FRAC_PI_2;

use super::{Layer, Shot};
use crate::vidsrus::canvas::{Canvas, chance, noise, noise2};

impl Shot {
    pub(super) fn castle(&self, canvas: &mut Canvas) {
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

    pub(super) fn moonscape(&self, canvas: &mut Canvas) {
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

    pub(super) fn graveyard(&self, canvas: &mut Canvas) {
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

    pub(super) fn railway(&self, canvas: &mut Canvas) {
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

    pub(super) fn sea(&self, canvas: &mut Canvas) {
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
}
