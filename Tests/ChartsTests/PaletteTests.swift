import Charts
import Testing

@Suite struct PaletteTests {
    @Test func `no colour is used twice`() {
        #expect(Set(Palette.series).count == Palette.series.count)
    }
}
