//! What moves or stands in a place: people, animals, trees, lamps, a train and its smoke.

use std::f32::consts::FRAC_PI_3;

use super::Shot;
use crate::vidsrus::{
    canvas::{Canvas, chance, hash, noise},
    film::{Hour, Walker},
};

impl Shot {
    pub(super) fn locomotive(&self, canvas: &mut Canvas, head: f32, rail: f32) {
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

    pub(super) fn wheel(&self, canvas: &mut Canvas, u: f32, rail: f32, radius: f32) {
        canvas.disc(u, rail - radius, radius, 0.05);
        canvas.disc(u, rail - radius, radius * 0.7, 0.3);
        for spoke in 0..3 {
            let turn = self.now * 2.1 + spoke as f32 * FRAC_PI_3;
            let (du, dv) = (radius * 0.75 * turn.cos(), radius * 0.75 * turn.sin());
            let middle = rail - radius;
            canvas.stroke([u - du, middle - dv], [u + du, middle + dv], [radius * 0.09; 2], 0.05);
        }
    }

    pub(super) fn smoke(&self, canvas: &mut Canvas, u: f32, v: f32, tone: f32) {
        for puff in (0..40).rev() {
            let age = 0.5 * (puff as f32 + (self.now * 1.7).fract());
            let sway = 0.05 * noise(self.seed ^ 75, self.now * 0.6 - age * 0.5 + 50.0);
            let rise = 0.045 * age.sqrt() + sway * (age * 0.2).min(1.0);
            let lump = tone * (0.85 + 0.3 * chance(self.seed, puff, 76));
            let radius = 0.024 + 0.008 * age;
            canvas.puff(u - 0.04 * age, v - rise, radius, lump, 0.7 - 0.032 * age);
        }
    }

    pub(super) fn flying_horse(&self, canvas: &mut Canvas, u: f32, v: f32) {
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

    pub(super) fn branch(
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

    pub(super) fn firs(&self, canvas: &mut Canvas) {
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

    pub(super) fn lamps(&self, canvas: &mut Canvas) {
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

    pub(super) fn birds(&self, canvas: &mut Canvas, many: i32) {
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
    pub(super) fn walk(&self, canvas: &mut Canvas, ground: f32, tall: f32) {
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
