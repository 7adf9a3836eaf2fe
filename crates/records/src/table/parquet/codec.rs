//! Decompression in pure Rust, of at most as many bytes as a page says.

use std::io::Read;

/// Most bytes of a page: more are refused, whatever a file says.
pub(super) const MAX_PAGE: usize = 1 << 28;

/// Largest window of zstd: what its own program takes.
const MAX_WINDOW: u64 = 1 << 27;

/// Decompresses bytes that must become exactly so many.
pub(super) fn decompress(codec: i64, bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    if size > MAX_PAGE {
        return Err(format!(
            "a page of {size} bytes is more than {MAX_PAGE}; write smaller pages"
        ));
    }
    if size == 0 && bytes.is_empty() {
        return Ok(Vec::new());
    }
    let out = match codec {
        0 => bytes.to_vec(),
        1 => snappy(bytes, size)?,
        2 => bounded(flate2::bufread::MultiGzDecoder::new(bytes), size, "gzip")?,
        4 => bounded(
            brotli_decompressor::Decompressor::new(bytes, 1 << 12),
            size,
            "brotli",
        )?,
        5 => lz4(bytes, size)?,
        6 => zstd(bytes, size)?,
        7 => lz4_block(bytes, size).ok_or("a page is no LZ4 block of the size it says")?,
        3 => return Err("is compressed with LZO; write it with zstd, snappy or gzip".into()),
        _ => {
            return Err(
                "is compressed by an unknown method; write it with zstd, snappy or gzip".into(),
            );
        }
    };
    if out.len() == size {
        Ok(out)
    } else {
        Err(format!(
            "a page has {} bytes where it says {size}; the file is broken",
            out.len()
        ))
    }
}

/// What a reader gives, and not a byte more than one beyond what is expected.
fn bounded(reader: impl Read, size: usize, name: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let read = reader.take(size as u64 + 1).read_to_end(&mut out);
    read.map_err(|e| format!("a page is broken {name}: {e}"))?;
    if out.len() > size {
        return Err(format!(
            "a page has more than the {size} bytes that it says; the file is broken"
        ));
    }
    Ok(out)
}

fn snappy(bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let broken = |e: snap::Error| format!("a page is broken snappy: {e}");
    if snap::raw::decompress_len(bytes).map_err(broken)? != size {
        return Err(format!(
            "a page has other than the {size} bytes that it says; the file is broken"
        ));
    }
    let mut out = vec![0; size];
    snap::raw::Decoder::new()
        .decompress(bytes, &mut out)
        .map_err(broken)?;
    Ok(out)
}

fn zstd(bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let broken = |e: &dyn std::fmt::Display| format!("a page is broken zstd: {e}");
    let mut rest = bytes;
    let mut out = Vec::new();
    // A page may be several frames.
    while !rest.is_empty() {
        let decoder =
            ruzstd::decoding::StreamingDecoder::new_with_max_window_size(&mut rest, MAX_WINDOW)
                .map_err(|e| broken(&e))?;
        let read = decoder
            .take((size - out.len()) as u64 + 1)
            .read_to_end(&mut out);
        read.map_err(|e| broken(&e))?;
        if out.len() > size {
            return Err(format!(
                "a page has more than the {size} bytes that it says; the file is broken"
            ));
        }
    }
    Ok(out)
}

/// A raw block.
fn lz4_block(bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; size];
    let written = lz4_flex::block::decompress_into(bytes, &mut out).ok()?;
    (written == size).then_some(out)
}

/// What writers call LZ4: Hadoop's framing; of old writers a raw block or LZ4's own frame.
fn lz4(bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    if let Some(out) = hadoop(bytes, size) {
        return Ok(out);
    }
    if bytes.starts_with(&[0x04, 0x22, 0x4d, 0x18]) {
        return bounded(lz4_flex::frame::FrameDecoder::new(bytes), size, "LZ4");
    }
    lz4_block(bytes, size).ok_or_else(|| "a page is no LZ4 of the size it says".into())
}

/// Blocks, each with its size before and after compression, the big end first.
fn hadoop(bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut rest = bytes;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (head, after) = rest.split_at_checked(8)?;
        let number = |b: &[u8]| u32::from_be_bytes(b.try_into().expect("four bytes")) as usize;
        let (plain, packed) = (number(&head[..4]), number(&head[4..]));
        let (block, after) = after.split_at_checked(packed)?;
        if plain > size - out.len() {
            return None;
        }
        out.extend(lz4_block(block, plain)?);
        rest = after;
    }
    (out.len() == size).then_some(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn zstd_frame(bytes: &[u8]) -> Vec<u8> {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        ruzstd::encoding::compress_to_vec(bytes, level)
    }

    #[test]
    fn all_that_writers_call_lz4_is_read() {
        let plain = b"a page, a page, a page, a page, and another page".repeat(9);
        let block = lz4_flex::block::compress(&plain);
        let sizes = [plain.len(), block.len()]
            .map(|n| (n as u32).to_be_bytes())
            .concat();
        let mut frame = lz4_flex::frame::FrameEncoder::new(Vec::new());
        frame.write_all(&plain).unwrap();
        let two = [sizes.clone(), block.clone()].concat().repeat(2);
        for packed in [
            &block,
            &[sizes, block.clone()].concat(),
            &frame.finish().unwrap(),
        ] {
            assert_eq!(decompress(5, packed, plain.len()).unwrap(), plain);
            assert!(decompress(5, packed, plain.len() - 1).is_err());
            assert!(decompress(5, packed, plain.len() + 1).is_err());
        }
        assert_eq!(
            decompress(5, &two, 2 * plain.len()).unwrap(),
            plain.repeat(2)
        );
        assert_eq!(decompress(7, &block, plain.len()).unwrap(), plain);
    }

    #[test]
    fn frames_one_after_another_are_one_page() {
        let (one, two) = (zstd_frame(b"one"), zstd_frame(b"two"));
        assert_eq!(decompress(6, &[one, two].concat(), 6).unwrap(), b"onetwo");
        let both = [gzip(b"one"), gzip(b"two")].concat();
        assert_eq!(decompress(2, &both, 6).unwrap(), b"onetwo");
    }

    /// 200 MB in a few hundred kilobytes: what a page does not say is not unpacked.
    #[test]
    fn a_bomb_is_refused_at_the_first_byte_too_many() {
        let bomb = vec![0; 200_000_000];
        for (codec, packed) in [(2, gzip(&bomb)), (6, zstd_frame(&bomb))] {
            assert!(packed.len() < 1_000_000, "{}", packed.len());
            let told = decompress(codec, &packed, 1000).unwrap_err();
            assert!(
                told.contains("more than the 1000 bytes that it says"),
                "{told}"
            );
        }
        let told = decompress(2, &gzip(b""), MAX_PAGE + 1).unwrap_err();
        assert!(told.contains("is more than 268435456"), "{told}");
    }
}
