import CIntrinsics
package import Tensors

/// y[t] = row `tokens[t]` of a packed matrix, plus +0 (so -0 becomes +0), or zeros where the token is negative.
///
/// A vocabulary shard passes a negative row for tokens of other shards: the sum over shards is then the row itself.
/// - Parameters:
///   - inputs: K, the hidden size; outputs: N, rows of the packed matrix.
///   - rows: rows of the batch that this call writes.
/// Cost: one cache line per pair of columns (bf16) or per column (f32), per token.
package func embed(
  weights: UnsafeRawPointer, type: DType, inputs: Int, outputs: Int,
  tokens: UnsafePointer<Int32>, rows: Range<Int>, y: UnsafeMutablePointer<Float>, yStride: Int
) {
  let allPanels = (outputs + 15) / 16
  for t in rows {
    let destination = y + t * yStride
    let n = Int(tokens[t])
    if n < 0 {
      destination.update(repeating: 0, count: inputs)
      continue
    }
    precondition(n < outputs, "row \(n) of a packed matrix of \(outputs) rows")
    let block = n / 64
    let blockPanels = min(4, allPanels - block * 4)
    let lane = n % 64 / 16 * 16 + n % 16
    let step = blockPanels * 16
    if isBF16(type) {
      let words = weights.assumingMemoryBound(to: UInt32.self) + block * 64 * ((inputs + 1) / 2) + lane
      for pair in 0..<inputs / 2 {
        let word = words[pair &* step]
        vprefetch(words + (pair &+ 32) &* step)
        destination[2 &* pair] = Float(bitPattern: word << 16) + 0
        destination[2 &* pair &+ 1] = Float(bitPattern: word & 0xFFFF_0000) + 0
      }
      if inputs & 1 == 1 { destination[inputs - 1] = Float(bitPattern: words[inputs / 2 * step] << 16) + 0 }
    } else {
      let floats = weights.assumingMemoryBound(to: Float.self) + block * 64 * inputs + lane
      for k in 0..<inputs {
        vprefetch(floats + (k &+ 32) &* step)
        destination[k] = floats[k &* step] + 0
      }
    }
  }
}
