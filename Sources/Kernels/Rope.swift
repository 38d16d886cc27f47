import CIntrinsics

/// Rotary position embedding in place, halves of the rotary part paired (Su et al. 2021, in the NeoX arrangement).
///
/// For i below rotaryDim / 2: a = x[i], b = x[i + rotaryDim / 2] become fma(-b, sin, a cos) and fma(a, sin, b cos).
/// Elements from `rotaryDim` on are left alone.
///
/// - Parameters:
///   - x: f32 [T][xStride], heads `headDim` apart from the row's start.
///   - positions: one per row of the batch; below the table's length.
///   - cosines, sines: f32 [position][rotaryDim / 2], the attention factor folded in.
package func rope(
  x: UnsafeMutablePointer<Float>, xStride: Int, rows: Range<Int>, heads: Int, headDim: Int, rotaryDim: Int,
  positions: UnsafePointer<Int32>, cosines: UnsafePointer<Float>, sines: UnsafePointer<Float>
) {
  let half = rotaryDim / 2
  for row in rows {
    let cosRow = cosines + Int(positions[row]) * half
    let sinRow = sines + Int(positions[row]) * half
    for head in 0..<heads {
      let low = x + row * xStride + head * headDim
      let high = low + half
      var i = 0
      while i < half {
        let lanes = half - i
        let a = loadLanes(low + i, lanes)
        let b = loadLanes(high + i, lanes)
        let c = loadLanes(cosRow + i, lanes)
        let s = loadLanes(sinRow + i, lanes)
        storeLanes(low + i, vfma(vnegate(b), s, vmul(a, c)), lanes)
        storeLanes(high + i, vfma(a, s, vmul(b, c)), lanes)
        i += 16
      }
    }
  }
}

/// Fills cosine and sine tables for `positions`: angle = f32(position) * inverseFrequencies[i], rounded to f32.
///
/// The cosine and sine of the f32 angle are taken in double precision, rounded to f32, then multiplied by
/// `attentionFactor` in f32, as the transformers library does.
package func ropeTable(
  inverseFrequencies: UnsafePointer<Float>, half: Int, positions: Range<Int>, attentionFactor: Float,
  cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>
) {
  for position in positions {
    for i in 0..<half {
      let angle = Double(Float(position) * inverseFrequencies[i])
      cosines[position * half + i] = Float(cosine(angle)) * attentionFactor
      sines[position * half + i] = Float(sine(angle)) * attentionFactor
    }
  }
}
