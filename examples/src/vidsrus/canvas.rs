//! A picture as brightness only, and the few shapes that film scenes are made of.
//!
//! Coordinates are in picture heights: `v` runs from 0 at the top to 1 at the bottom, `u` from 0
//! at the left to [`Canvas::aspect`] at the right. So a scene looks the same at every size. The
//! canvas knows no colours and no films.

/// Brightness from 0 to 1 for every pixel.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    unit: f32,
    tones: Vec<f32>,
}

impl Canvas {
    /// A black picture.
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, unit: height as f32, tones: vec![0.0; width * height] }
    }

    /// The width in picture heights.
    pub(super) fn aspect(&self) -> f32 {
        self.width as f32 / self.unit
    }

    /// The brightness of all pixels, row by row from the top.
    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.tones.chunks_exact(self.width.max(1))
    }

    /// The sky: brightness from `top` to `low` at height `horizon`, with drifting clouds.
    pub(super) fn sky(&mut self, top: f32, low: f32, horizon: f32, clouds: &Clouds) {
        let grid = clouds.grid(self.aspect());
        let columns: Vec<(usize, f32)> =
            (0..self.width).map(|x| Clouds::cell(x as f32 / self.unit)).collect();
        for (y, row) in self.tones.chunks_exact_mut(self.width.max(1)).enumerate() {
            let v = y as f32 / self.unit;
            let way = (v / horizon).min(1.0);
            let base = top + (low - top) * way * way.sqrt();
            let strength = clouds.strength * (1.0 - 0.75 * way);
            let (cell, part) = Clouds::cell(v);
            let (above, below) = (&grid[cell], &grid[cell + 1]);
            for (tone, &(at, across)) in row.iter_mut().zip(&columns) {
                let upper = above[at] + (above[at + 1] - above[at]) * across;
                let lower = below[at] + (below[at + 1] - below[at]) * across;
                *tone = base + strength * (upper + (lower - upper) * part);
            }
        }
    }

    /// Adds light that fades with the distance from a point.
    pub(super) fn glow(&mut self, u: f32, v: f32, radius: f32, strength: f32) {
        let (cx, cy, r2) = (u * self.unit, v * self.unit, (radius * self.unit).powi(2).max(1.0));
        for (y, row) in self.tones.chunks_exact_mut(self.width.max(1)).enumerate() {
            let dy2 = (y as f32 - cy).powi(2);
            for (x, tone) in row.iter_mut().enumerate() {
                let dx = x as f32 - cx;
                *tone += strength * r2 / (r2 + dx * dx + dy2);
            }
        }
    }

    /// A disc with a sharp edge.
    pub(super) fn disc(&mut self, u: f32, v: f32, radius: f32, tone: f32) {
        self.stroke([u, v], [u, v], [radius, radius], tone);
    }

    /// A ball whose brightness at each place is given by `shade`, from -1 to 1 across and down.
    pub(super) fn ball(
        &mut self,
        [u, v]: [f32; 2],
        [wide, tall]: [f32; 2],
        shade: impl Fn(f32, f32) -> f32,
    ) {
        let (cx, cy) = (u * self.unit, v * self.unit);
        let (rx, ry) = ((wide * self.unit).max(0.5), (tall * self.unit).max(0.5));
        self.each_within(
            cx - rx - 1.0,
            cy - ry - 1.0,
            cx + rx + 1.0,
            cy + ry + 1.0,
            |x, y, old| {
                let (across, down) = ((x - cx) / rx, (y - cy) / ry);
                let cover = ((1.0 - across.hypot(down)) * rx.min(ry) + 0.5).clamp(0.0, 1.0);
                if cover > 0.0 {
                    *old += (shade(across, down) - *old) * cover;
                }
            },
        );
    }

    /// A disc without an edge, laid over the picture with `opacity` in its middle.
    pub(super) fn puff(&mut self, u: f32, v: f32, radius: f32, tone: f32, opacity: f32) {
        let (cx, cy, r) = (u * self.unit, v * self.unit, (radius * self.unit).max(0.5));
        self.each_within(cx - r, cy - r, cx + r, cy + r, |x, y, old| {
            let away = ((x - cx).powi(2) + (y - cy).powi(2)) / (r * r);
            let cover = (1.0 - away).max(0.0);
            *old += (tone - *old) * opacity * cover * cover;
        });
    }

    /// A straight stroke with round ends that changes its half-width from one end to the other.
    pub(super) fn stroke(&mut self, from: [f32; 2], to: [f32; 2], half: [f32; 2], tone: f32) {
        let [ax, ay] = from.map(|c| c * self.unit);
        let [bx, by] = to.map(|c| c * self.unit);
        let [wa, wb] = half.map(|c| c * self.unit);
        let reach = wa.max(wb) + 1.0;
        let (dx, dy) = (bx - ax, by - ay);
        let length2 = (dx * dx + dy * dy).max(1e-6);
        let (left, right) = (ax.min(bx) - reach, ax.max(bx) + reach);
        let (top, bottom) = (ay.min(by) - reach, ay.max(by) + reach);
        self.each_within(left, top, right, bottom, |x, y, old| {
            let along = (((x - ax) * dx + (y - ay) * dy) / length2).clamp(0.0, 1.0);
            let away = (x - ax - along * dx).hypot(y - ay - along * dy);
            let cover = (wa + (wb - wa) * along - away + 0.5).clamp(0.0, 1.0);
            *old += (tone - *old) * cover;
        });
    }

    /// An upright box from its top left to its bottom right corner.
    pub(super) fn block(&mut self, from: [f32; 2], to: [f32; 2], tone: f32) {
        let [left, top] = from.map(|c| c * self.unit);
        let [right, bottom] = to.map(|c| c * self.unit);
        self.each_within(left - 1.0, top - 1.0, right + 1.0, bottom + 1.0, |x, y, old| {
            let across = (x + 0.5 - left).min(right - x + 0.5).clamp(0.0, 1.0);
            let down = (y + 0.5 - top).min(bottom - y + 0.5).clamp(0.0, 1.0);
            *old += (tone - *old) * across * down;
        });
    }

    /// Everything below an outline.
    ///
    /// `outline` gives the height of the outline at `u`; `shade` the brightness of a pixel from
    /// its place and its depth below the outline.
    pub(super) fn below(
        &mut self,
        outline: impl Fn(f32) -> f32,
        shade: impl Fn(usize, f32, f32) -> f32,
    ) {
        let edges: Vec<f32> =
            (0..self.width).map(|x| outline(x as f32 / self.unit) * self.unit).collect();
        let highest = edges.iter().copied().fold(self.unit, f32::min).max(0.0) as usize;
        let width = self.width.max(1);
        let pixel = 1.0 / self.unit;
        for (y, row) in self.tones.chunks_exact_mut(width).enumerate().skip(highest) {
            let v = y as f32 * pixel;
            for (x, (tone, edge)) in row.iter_mut().zip(&edges).enumerate() {
                let inside = y as f32 + 1.0 - edge;
                if inside >= 1.0 {
                    *tone = shade(x, v, (inside - 1.0) * pixel);
                } else if inside > 0.0 {
                    *tone += (shade(x, v, 0.0) - *tone) * inside;
                }
            }
        }
    }

    /// One brightness for each column, by its place.
    pub(super) fn columns<T>(&self, of: impl Fn(f32) -> T) -> Vec<T> {
        (0..self.width).map(|x| of(x as f32 / self.unit)).collect()
    }

    /// Mixes one pixel with `tone`; pixels outside the picture are left out.
    pub(super) fn mix(&mut self, x: usize, y: usize, tone: f32, cover: f32) {
        if x < self.width && y < self.height {
            let old = &mut self.tones[y * self.width + x];
            *old += (tone - *old) * cover;
        }
    }

    fn each_within(
        &mut self,
        left: f32,
        top: f32,
        right: f32,
        bottom: f32,
        mut change: impl FnMut(f32, f32, &mut f32),
    ) {
        // A cast from a float saturates, so whatever lies outside ends up at the border.
        let (from_x, to_x) = (left as usize, ((right + 2.0) as usize).min(self.width));
        let (from_y, to_y) = (top as usize, ((bottom + 2.0) as usize).min(self.height));
        for y in from_y..to_y {
            let start = y * self.width;
            for x in from_x..to_x {
                change(x as f32, y as f32, &mut self.tones[start + x]);
            }
        }
    }
}

/// Clouds in the sky.
pub(super) struct Clouds {
    /// Which clouds.
    pub(super) seed: u32,
    /// How far the wind has carried them, in picture heights.
    pub(super) drift: f32,
    /// How bright they are.
    pub(super) strength: f32,
}

impl Clouds {
    const FINENESS: f32 = 56.0;

    fn cell(place: f32) -> (usize, f32) {
        let at = place * Self::FINENESS;
        (at as usize, at.fract())
    }

    fn grid(&self, aspect: f32) -> Vec<Vec<f32>> {
        let (columns, _) = Self::cell(aspect);
        let (rows, _) = Self::cell(1.0);
        let at = |row: usize, column: usize| {
            let u = column as f32 / Self::FINENESS + self.drift;
            let v = row as f32 / Self::FINENESS;
            let wisps = 0.55 * noise2(self.seed, u * 2.2, v * 7.0)
                + 0.3 * noise2(self.seed ^ 1, u * 5.0, v * 15.0)
                + 0.15 * noise2(self.seed ^ 2, u * 11.0, v * 26.0);
            let thick = ((wisps - 0.46) * 3.2).clamp(0.0, 1.0);
            thick * thick * (3.0 - 2.0 * thick)
        };
        (0..=rows + 1)
            .map(|row| (0..=columns + 1).map(|column| at(row, column)).collect())
            .collect()
    }
}

/// A well mixed number from three others.
pub(super) fn hash(seed: u32, a: i32, b: i32) -> u32 {
    let mut h = seed ^ (a as u32).wrapping_mul(0x9e37_79b1) ^ (b as u32).wrapping_mul(0x85eb_ca77);
    h ^= h >> 16;
    h = h.wrapping_mul(0x21f0_aaad);
    h ^= h >> 15;
    h = h.wrapping_mul(0x735a_2d97);
    h ^ (h >> 15)
}

/// As [`hash`], from 0 to 1.
pub(super) fn chance(seed: u32, a: i32, b: i32) -> f32 {
    (hash(seed, a, b) >> 8) as f32 / 16_777_216.0
}

/// A smooth random line from 0 to 1.
pub(super) fn noise(seed: u32, at: f32) -> f32 {
    let cell = at.floor();
    let part = at - cell;
    let smooth = part * part * (3.0 - 2.0 * part);
    let (a, b) = (chance(seed, cell as i32, 0), chance(seed, (cell as i32).wrapping_add(1), 0));
    a + (b - a) * smooth
}

/// A smooth random surface from 0 to 1.
pub(super) fn noise2(seed: u32, u: f32, v: f32) -> f32 {
    let (cu, cv) = (u.floor(), v.floor());
    let smooth = |p: f32| p * p * (3.0 - 2.0 * p);
    let (pu, pv) = (smooth(u - cu), smooth(v - cv));
    let (x, y) = (cu as i32, cv as i32);
    let (a, b) = (chance(seed, x, y), chance(seed, x.wrapping_add(1), y));
    let (c, d) =
        (chance(seed, x, y.wrapping_add(1)), chance(seed, x.wrapping_add(1), y.wrapping_add(1)));
    let (upper, lower) = (a + (b - a) * pu, c + (d - c) * pu);
    upper + (lower - upper) * pv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_far_outside_the_picture_change_nothing() {
        let mut canvas = Canvas::new(40, 30);
        canvas.disc(-9.0, 0.5, 0.2, 1.0);
        canvas.stroke([90.0, 90.0], [99.0, 99.0], [0.1, 0.1], 1.0);
        canvas.puff(0.5, 1e9, 0.1, 1.0, 1.0);
        canvas.mix(40, 0, 1.0, 1.0);
        assert!(canvas.rows().flatten().all(|tone| *tone == 0.0));
    }

    #[test]
    fn a_disc_covers_its_middle_and_not_its_corners() {
        let mut canvas = Canvas::new(40, 40);
        canvas.disc(0.5, 0.5, 0.25, 1.0);
        let rows: Vec<&[f32]> = canvas.rows().collect();
        assert_eq!((rows[20][20], rows[2][2]), (1.0, 0.0));
    }
}
