//! Places with many houses: a big city, a crooked town and one of domes and towers.

use super::{Layer, Shot};
use crate::vidsrus::{
    canvas::{Canvas, chance, hash, noise},
    film::Hour,
};

impl Shot {
    pub(super) fn skyline(&self, canvas: &mut Canvas) {
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

    pub(super) fn crooked(&self, canvas: &mut Canvas) {
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

    pub(super) fn minarets(&self, canvas: &mut Canvas) {
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
