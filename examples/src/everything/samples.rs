//! A picture and a sound, made here.

use std::f32::consts::TAU;

/// A square of 16 by 16 pixels that fades from red to blue, as PNG.
pub fn picture() -> Vec<u8> {
    const SIDE: u8 = 16;
    let pixel = |x: u8, y: u8| [255 - 15 * x, 8 * y, 15 * x];
    let pixels: Vec<u8> =
        (0..SIDE).flat_map(|y| (0..SIDE).flat_map(move |x| pixel(x, y))).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, u32::from(SIDE), u32::from(SIDE));
    encoder.set_color(png::ColorType::Rgb);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.expect("memory takes all bytes, and there are as many as the header says");
    bytes
}

/// A tenth of a second of 440 Hz, as WAV: one channel, 8,000 samples a second, 8 bits each.
pub fn sound() -> Vec<u8> {
    const RATE: u32 = 8_000;
    const LENGTH: u32 = RATE / 10;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + LENGTH).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes()); // the length of what is said about the format
    bytes.extend_from_slice(&1_u16.to_le_bytes()); // samples as they are
    bytes.extend_from_slice(&1_u16.to_le_bytes()); // one channel
    bytes.extend_from_slice(&RATE.to_le_bytes());
    bytes.extend_from_slice(&RATE.to_le_bytes()); // bytes a second
    bytes.extend_from_slice(&1_u16.to_le_bytes()); // bytes a sample
    bytes.extend_from_slice(&8_u16.to_le_bytes()); // bits a sample
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&LENGTH.to_le_bytes());
    bytes.extend((0..LENGTH).map(sample));
    return bytes;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn sample(at: u32) -> u8 {
        let time = at as f32 / RATE as f32;
        (128.0 + 100.0 * (TAU * 440.0 * time).sin()) as u8
    }
}
