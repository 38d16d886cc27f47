import Foundation
import Settings
import TestSupport
import Testing

@Suite struct SettingsTests {
  @Test func everySettingTakesItsOwnDefault() throws {
    for setting in SettingsCatalogue.all where !setting.defaultTexts.isEmpty {
      var settings = EngineSettings()
      try setting.apply(setting.defaultTexts, to: &settings)
      #expect(settings == EngineSettings(), "\(setting.key)")
    }
  }

  @Test func everySettingIsWrittenWhereItIsRead() throws {
    for setting in SettingsCatalogue.all {
      let texts =
        switch setting.domain {
        case .integer(let range): ["\(min(range.upperBound, range.lowerBound + 3))"]
        case .number(let range): ["\(range.lowerBound + (range.upperBound - range.lowerBound) / 4)"]
        case .boolean: [setting.defaultTexts == ["true"] ? "false" : "true"]
        case .choice(let names): [names.last { [$0] != setting.defaultTexts } ?? ""]
        case .text, .path: ["somewhere"]
        case .json: ["{\"a\": 1}"]
        case .textList: ["one", "two"]
        case .integerList: ["1", "2"]
        }
      var settings = EngineSettings()
      try setting.apply(texts, to: &settings)
      let read = setting.texts(in: settings)
      if case .number = setting.domain {
        #expect(read.compactMap(Double.init) == texts.compactMap(Double.init), "\(setting.key)")
      } else {
        #expect(read == texts, "\(setting.key)")
      }
      #expect(settings != EngineSettings(), "\(setting.key) changes nothing")
    }
  }

  @Test func namesAreUnique() {
    let names = SettingsCatalogue.all.flatMap { [$0.longName] + $0.aliases }
    #expect(Set(names).count == names.count)
  }

  @Test(arguments: [
    (
      "tensor_parallel_size", "0",
      "--tensor-parallel-size cannot be '0'; give a number in the range 1 to 1024."
    ),
    (
      "tensor_parallel_size", "two",
      "--tensor-parallel-size cannot be 'two'; give a number in the range 1 to 1024."
    ),
    (
      "tensor_parallel_size", "99999999999999999999",
      "--tensor-parallel-size cannot be '99999999999999999999'; give a number in the range 1 to 1024."
    ),
    ("temperature", "nan", "--temperature cannot be 'nan'; give a number in the range 0 to 100."),
    ("top_p", "1.5", "--top-p cannot be '1.5'; give a number in the range 0 to 1."),
    (
      "load_format", "dumy",
      "--load-format cannot be 'dumy'; choose one of auto, safetensors, dummy, for instance dummy."
    ),
    ("additional_config", "[1]", "--additional-config cannot be '[1]'; give a JSON object."),
    ("ignore_eos", "maybe", "--ignore-eos cannot be 'maybe'; give true or false."),
  ])
  func refusalsAreOneSentence(key: String, text: String, sentence: String) throws {
    let setting = try #require(SettingsCatalogue.setting(key))
    var settings = EngineSettings()
    #expect(throws: SettingsError(sentence)) { try setting.apply([text], to: &settings) }
    #expect(settings == EngineSettings())
  }

  @Test func jointRulesAreAllReported() throws {
    var settings = EngineSettings()
    settings.scheduler.maxNumSeqs = 128
    settings.scheduler.maxNumBatchedTokens = 64
    settings.sampling.n = 2
    settings.sampling.minTokens = 100
    #expect(settings.violations().count == 3)
    #expect(EngineSettings().violations().isEmpty)
  }

  @Test func worldSizeIsTheProductAndBounded() {
    var settings = EngineSettings()
    settings.mesh.tensorParallelSize = 3
    settings.mesh.expertParallelSize = 4
    #expect(settings.worldSize == 12)
    settings.mesh.dataParallelSize = 1024
    settings.mesh.attnDPSize = 1024
    #expect(settings.worldSize == nil)
  }

  @Test func nearestFindsSlipsAndRefusesStrangers() {
    let names = ["tensor_parallel_size", "expert_parallel_size", "seed"]
    #expect(nearest(to: "tensor_paralel_size", among: names) == "tensor_parallel_size")
    #expect(nearest(to: "sed", among: names) == "seed")
    #expect(nearest(to: "kubernetes", among: names) == nil)
  }
}
