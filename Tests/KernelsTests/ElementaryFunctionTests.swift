import Compute
import Glibc
import Kernels
import Testing

func accurateExp(_ x: Double) -> Double { Glibc.exp(x) }
func accurateTanh(_ x: Double) -> Double { Glibc.tanh(x) }

@Suite struct ElementaryFunctionTests {
  @Test func doubleFunctionsAgreeWithLibm() {
    var random = SeededRandom(seed: 3)
    func value(_ scale: Double) -> Double { Double(Int64(bitPattern: random.next())) * 0x1p-63 * scale }
    for _ in 0..<100_000 {
      let x = value(700)
      #expect(abs(exponential(x) / Glibc.exp(x) - 1) < 1e-15, "exp(\(x))")
      let y = Glibc.exp(x)
      #expect(abs(logarithm(y) - Glibc.log(y)) <= 1e-15 * max(1e-2, abs(Glibc.log(y))), "log(\(y))")
      let angle = value(1_000_000)
      #expect(abs(sine(angle) - Glibc.sin(angle)) < 3e-16, "sin(\(angle))")
      #expect(abs(cosine(angle) - Glibc.cos(angle)) < 3e-16, "cos(\(angle))")
      let near = 1 + value(0.01)
      #expect(abs(logarithm(near) - Glibc.log(near)) < 1e-17, "log(\(near))")
    }
    #expect(logarithm(0) == -.infinity && logarithm(-1).isNaN && logarithm(1) == 0)
    #expect(exponential(-.infinity) == 0 && exponential(.infinity) == .infinity && exponential(0) == 1)
  }

  @Test func ropeTableIsTheRoundedCosine() {
    let frequencies = RopeFrequencies(rotaryDim: 16, base: 10000)
    var cosines = [Float](repeating: 0, count: 100 * 8)
    var sines = cosines
    KernelTable().ropeTable(
      inverseFrequencies: frequencies.inverse, half: 8, positions: 0..<100, attentionFactor: 1,
      cosines: &cosines,
      sines: &sines)
    for position in 0..<100 {
      for i in 0..<8 {
        let angle = Double(Float(position) * frequencies.inverse[i])
        #expect(abs(cosines[position * 8 + i] - Float(Glibc.cos(angle))) < 1e-7)
        #expect(abs(sines[position * 8 + i] - Float(Glibc.sin(angle))) < 1e-7)
      }
    }
  }
}
