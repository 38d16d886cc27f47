#if KERNELS_AVX512
  import CIntrinsics

  /// Columns that are rounded at a time, and rows that share them: 32 KiB of activations.
  private let stretchColumns = 512
  private let chunkRows = 32

  /// The form of `matmul` and `matmulLeaves` for more than one row under `--numerics fast`: activations are rounded
  /// to bfloat16 too, and one instruction multiplies and adds pairs of columns (`vdpbf16ps`), twice as fast as
  /// fused multiply-adds.
  ///
  /// Sums are no canonical chains: they depend on the number of rows. A root is the sum over all columns of its
  /// leaves. Whole blocks of four panels only; false, and nothing done, when the range has none. Sums of a stretch wait
  /// in y for the next one.
  func matmulDots(
    _ weights: UnsafeRawPointer, _ panels: Range<Int>, _ inputs: Int, _ outputs: Int,
    _ x: UnsafePointer<Float>, _ xStride: Int, _ xRows: UnsafePointer<Int32>?, _ rows: Int,
    _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>,
    _ y: UnsafeMutablePointer<Float>, _ yStride: Int, _ rootStride: Int, _ bias: UnsafePointer<Float>?
  ) -> Bool {
    let whole = fullBlocks(panels, outputs)
    if whole.isEmpty { return false }
    var memory = InlineArray<8192, UInt32>(repeating: 0)
    var span = memory.mutableSpan
    span.withUnsafeMutableBufferPointer { buffer in
      let pairs = buffer.baseAddress!
      var row = 0
      while row < rows {
        let count = min(chunkRows, rows - row)
        forEachRoot(leafWidth, leafCount, merges, inputs) { root, columns in
          var start = columns.lowerBound
          while start < columns.upperBound {
            let width = min(stretchColumns, columns.upperBound - start)
            for r in 0..<count {
              roundPairs(batchRow(x, xStride, xRows, row + r) + start, width, pairs + r * stretchColumns / 2)
            }
            dotBlocks(
              weights.assumingMemoryBound(to: UInt32.self), whole, inputs, start, width, pairs, count,
              start == columns.lowerBound, y + root * rootStride + row * yStride, yStride, bias)
            start += width
          }
        }
        row += count
      }
    }
    return true
  }

  /// The whole blocks of a range without one whose last panel is not full: its sums would reach beyond a row of y.
  func fullBlocks(_ panels: Range<Int>, _ outputs: Int) -> Range<Int> {
    let whole = wholeBlocks(panels, outputs)
    guard whole.upperBound * 16 > outputs else { return whole }
    return whole.lowerBound..<max(whole.lowerBound, whole.upperBound - 4)
  }

  /// The columns of every root, in order: what the stack of partial sums holds in the end.
  private func forEachRoot(
    _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>, _ inputs: Int,
    _ body: (Int, Range<Int>) -> Void
  ) {
    var starts = InlineArray<17, Int>(repeating: 0)
    var top = 0
    for leaf in 0..<leafCount {
      precondition(top < leafStackDepth, "merges leave more than \(leafStackDepth) partial sums")
      starts[top] = leaf * leafWidth
      top += 1 - Int(merges[leaf])
    }
    for root in 0..<top { body(root, starts[root]..<(root + 1 < top ? starts[root + 1] : inputs)) }
  }

  /// Rounds `width` columns to words of two; an odd last column has a zero mate.
  @inline(__always)
  private func roundPairs(_ x: UnsafePointer<Float>, _ width: Int, _ out: UnsafeMutablePointer<UInt32>) {
    let halves = UnsafeMutableRawPointer(out).assumingMemoryBound(to: UInt16.self)
    var k = 0
    while k + 16 <= width {
      vstoreBF16(halves + k, vload(x + k))
      k += 16
    }
    while k < width {
      halves[k] = bfloat16Bits(x[k])
      k += 1
    }
    if width & 1 == 1 { halves[width] = 0 }
  }

  /// y += (or, first, = bias +) W x of a stretch of columns, for all blocks; six rows at a time.
  private func dotBlocks(
    _ weights: UnsafePointer<UInt32>, _ panels: Range<Int>, _ inputs: Int, _ start: Int, _ width: Int,
    _ pairs: UnsafePointer<UInt32>, _ rows: Int, _ isFirst: Bool, _ y: UnsafeMutablePointer<Float>,
    _ yStride: Int, _ bias: UnsafePointer<Float>?
  ) {
    let depth = (inputs + 1) / 2
    let rowWords = stretchColumns / 2
    for block in panels.lowerBound / 4..<panels.upperBound / 4 {
      let w = weights + block * 64 * depth + start / 2 * 64
      let target = y + block * 64
      var row = 0
      while row < rows {
        let last = rows - 1
        let (r1, r2, r3) = (min(row + 1, last), min(row + 2, last), min(row + 3, last))
        let (r4, r5) = (min(row + 4, last), min(row + 5, last))
        if isFirst {
          for r in row...r5 {
            for panel in 0..<4 {
              let begin = bias.map { vload($0 + block * 64 + panel * 16) } ?? vsplat(0)
              vstore(target + r * yStride + panel * 16, begin)
            }
          }
        }
        dotTile4x6(
          w, (width + 1) / 2, row == 0 ? 4096 : 0, pairs + row * rowWords, pairs + r1 * rowWords,
          pairs + r2 * rowWords, pairs + r3 * rowWords, pairs + r4 * rowWords, pairs + r5 * rowWords,
          target + row * yStride, target + r1 * yStride, target + r2 * yStride, target + r3 * yStride,
          target + r4 * yStride, target + r5 * yStride)
        row += 6
      }
    }
  }
#endif
