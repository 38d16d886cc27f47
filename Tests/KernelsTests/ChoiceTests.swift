import Compute
import Testing
import Topology

/// From scores to choices.
@Suite struct ChoiceTests {
  @Test(arguments: vectorSets)
  func softmaxTopKAndArgmaxEqualReference(_ set: InstructionSet) {
    let table = KernelTable(set)
    for seed in UInt64(1)...200 {
      var random = SeededRandom(seed: seed)
      let count = 1 + random.int(below: 150)
      // Few distinct values, so that ties are common; sometimes NaN and infinities.
      var x = (0..<count).map { _ in Float(random.int(below: 12)) - 6 }
      if seed % 4 == 0 { x = random.floats(count) }
      if seed % 5 == 0 { x[random.int(below: count)] = .nan }
      if seed % 7 == 0 { x = x.map { _ in random.int(below: 2) == 0 ? -.infinity : .nan } }
      if seed % 11 == 0 { x[random.int(below: count)] = .infinity }
      #expect(
        table.argmax(x: x, count: count) == referenceTable.argmax(x: x, count: count), "seed \(seed)")
      let k = 1 + random.int(below: min(8, count))
      var indices = [[Int32]](repeating: Array(repeating: 0, count: k), count: 2)
      var values = [[Float]](repeating: Array(repeating: 0, count: k), count: 2)
      referenceTable.topK(x: x, size: count, count: k, indices: &indices[0], values: &values[0])
      table.topK(x: x, size: count, count: k, indices: &indices[1], values: &values[1])
      #expect(indices[0] == indices[1] && difference(values[1], values[0]) == nil, "seed \(seed)")
      var expected = x
      var got = x
      referenceTable.softmax(x: x, y: &expected, count: count)
      table.softmax(x: x, y: &got, count: count)
      #expect(difference(got, expected) == nil, "seed \(seed)")
    }
  }

  @Test(arguments: vectorSets)
  func logSumExpIsTheSameForEveryCut(_ set: InstructionSet) {
    for seed in UInt64(1)...30 {
      var random = SeededRandom(seed: seed)
      let leafWidth = 16 * (1 + random.int(below: 4))
      let count = 1 + random.int(below: 9 * leafWidth)
      let leafCount = (count + leafWidth - 1) / leafWidth
      var x = random.floats(count, special: false).map { $0 * 30 }
      if seed % 3 == 0 { for i in 0..<min(count, leafWidth) { x[i] = -.infinity } }
      let tree = CanonicalTree(leafCount: leafCount)
      let expected = parts(referenceTable, x)
      let whole = combined(expected, tree.merges(of: 0..<leafCount))
      #expect(whole.0.count == 1)
      if x.contains(where: { $0 > -.infinity }) {
        let m = Double(x.max()!)
        let exact = x.reduce(0.0) { $0 + accurateExp(Double($1) - m) }
        #expect(abs(Double(whole.1[0]) / exact - 1) < 1e-5, "seed \(seed)")
      } else {
        #expect(whole.0[0] == -.infinity && whole.1[0] == 0)
      }
      for cut in 0...leafCount {
        let ranges = [0..<cut, cut..<leafCount]
        var maxima: [Float] = []
        var sums: [Float] = []
        for range in ranges where !range.isEmpty {
          let elements = range.lowerBound * leafWidth..<min(count, range.upperBound * leafWidth)
          let local = combined(parts(KernelTable(set), Array(x[elements])), tree.merges(of: range))
          maxima += local.0
          sums += local.1
        }
        let total = combined((maxima, sums), tree.completion(of: ranges))
        #expect(
          difference(total.0, whole.0) == nil && difference(total.1, whole.1) == nil,
          "seed \(seed), cut \(cut)")
      }

      func parts(_ table: KernelTable, _ x: [Float]) -> ([Float], [Float]) {
        let leaves = (x.count + leafWidth - 1) / leafWidth
        var maxima = [Float](repeating: 0, count: leaves)
        var sums = maxima
        table.logSumExpLeaves(x: x, count: x.count, leafWidth: leafWidth, maxima: &maxima, sums: &sums)
        return (maxima, sums)
      }
      func combined(_ parts: ([Float], [Float]), _ merges: [UInt8]) -> ([Float], [Float]) {
        var (maxima, sums) = parts
        let left = KernelTable(set).logSumExpCombine(
          maxima: &maxima, sums: &sums, count: maxima.count, merges: merges)
        return (Array(maxima[..<left]), Array(sums[..<left]))
      }
    }
  }
}
