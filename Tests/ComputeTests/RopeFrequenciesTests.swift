import Compute
import Testing

/// Expected values follow the transformers library's formulas, evaluated in NumPy float32.
@Suite struct RopeFrequenciesTests {
  @Test func plain() {
    let got = RopeFrequencies(rotaryDim: 64, base: 10000)
    #expect(got.rotaryDim == 64 && got.attentionFactor == 1)
    expect(
      got,
      [
        (0, 1), (1, 0.749894202), (5, 0.237137362), (9, 0.0749894157), (14, 0.0177827943),
        (20, 0.00316227786),
        (31, 0.00013335215),
      ])
  }

  @Test func linear() {
    expect(
      RopeFrequencies(rotaryDim: 64, base: 10000, scaling: .linear(factor: 4)),
      [(0, 0.25), (20, 0.000790569466)])
  }

  @Test func dynamic() {
    let scaling = RopeScaling.dynamic(factor: 2, originalMaxPositions: 2048, sequenceLength: 6000)
    expect(
      RopeFrequencies(rotaryDim: 64, base: 10000, scaling: scaling),
      [(0, 1), (1, 0.712610543), (5, 0.183764338), (13, 0.0122202244), (31, 2.74422418e-05)])
    let short = RopeScaling.dynamic(factor: 2, originalMaxPositions: 2048, sequenceLength: 100)
    #expect(
      RopeFrequencies(rotaryDim: 64, base: 10000, scaling: short)
        == RopeFrequencies(rotaryDim: 64, base: 10000))
  }

  @Test func llama3() {
    let scaling = RopeScaling.llama3(
      factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxPositions: 8192)
    expect(
      RopeFrequencies(rotaryDim: 64, base: 500000, scaling: scaling),
      [
        (0, 1), (1, 0.663601279), (5, 0.128687382), (9, 0.0249554086), (13, 0.00483942125),
        (14, 0.00321144611),
        (15, 0.00129054801), (20, 8.57025589e-06), (31, 9.41830649e-08),
      ])
  }

  @Test func yarn() {
    let got = RopeFrequencies(
      rotaryDim: 128, base: 1_000_000, scaling: .yarn(factor: 4, originalMaxPositions: 32768))
    expect(
      got,
      [
        (0, 1), (1, 0.805842221), (20, 0.0133352149), (30, 0.00106436096), (34, 0.000334240554),
        (38, 9.26230132e-05), (44, 1.87473561e-05), (50, 5.13381246e-06), (63, 3.10234441e-07),
      ])
    #expect(abs(got.attentionFactor - 1.13862944) < 2e-7)
    let exactBorders = RopeFrequencies(
      rotaryDim: 64, base: 150_000,
      scaling: .yarn(factor: 32, originalMaxPositions: 4096, mscale: 1, mscaleAllDim: 1, truncate: false))
    expect(
      exactBorders,
      [
        (0, 1), (1, 0.689044297), (9, 0.0317056961), (13, 0.00386035908), (15, 0.00105260219),
        (20, 1.8188337e-05), (31, 3.0235114e-07),
      ])
    #expect(exactBorders.attentionFactor == 1)
  }

  private func expect(
    _ got: RopeFrequencies, _ expected: [(Int, Float)], _ at: SourceLocation = #_sourceLocation
  ) {
    for (index, value) in expected {
      #expect(
        abs(got.inverse[index] - value) <= 4 * value.ulp,
        "pair \(index): \(got.inverse[index]), expected \(value)",
        sourceLocation: at)
    }
  }
}
