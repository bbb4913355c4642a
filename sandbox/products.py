"""What the invented sellers sell: titles in the languages of the larger marketplaces.

All of it is made up. A language that is missing here is sold in English.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on sale; `price` in euro; `titles` by language (`en`, `de` …)."""

    code: str
    price: float
    titles: dict[str, str]


LANGUAGES = ("en", "de", "fr", "it", "es", "nl", "ja")


def _product(code: str, price: float, *titles: str) -> Product:
    return Product(code, price, dict(zip(LANGUAGES, titles, strict=False)))


HOME = (
    _product(
        "LAMP",
        39.99,
        "Bedside lamp with linen shade, dimmable, oak base",
        "Nachttischlampe mit Leinenschirm, dimmbar, Fuß aus Eiche",
        "Lampe de chevet avec abat-jour en lin, variable, pied en chêne",
        "Lampada da comodino con paralume in lino, dimmerabile, base in rovere",
        "Lámpara de mesilla con pantalla de lino, regulable, base de roble",
        "Bedlampje met linnen kap, dimbaar, eikenhouten voet",
        "ベッドサイドランプ リネンシェード 調光 オーク材",
    ),
    _product(
        "BLANKET",
        54.9,
        "Waffle-knit throw blanket, 150 x 200 cm, cotton",
        "Waffelpiqué-Decke, 150 x 200 cm, Baumwolle",
        "Plaid gaufré, 150 x 200 cm, coton",
        "Coperta a nido d'ape, 150 x 200 cm, cotone",
        "Manta de gofre, 150 x 200 cm, algodón",
        "Wafeldeken, 150 x 200 cm, katoen",
        "ワッフル織り ブランケット 150x200cm コットン",
    ),
    _product(
        "CANDLE",
        18.5,
        "Soy candles, set of 4, pine and bergamot, 45 h each",
        "Sojakerzen, 4er-Set, Kiefer und Bergamotte, je 45 Std.",
        "Bougies de soja, lot de 4, pin et bergamote, 45 h chacune",
        "Candele di soia, set da 4, pino e bergamotto, 45 ore ciascuna",
        "Velas de soja, juego de 4, pino y bergamota, 45 h cada una",
        "Sojakaarsen, set van 4, den en bergamot, 45 uur per stuk",
        "ソイキャンドル 4個セット パイン&ベルガモット",
    ),
    _product(
        "PLANTER",
        24.99,
        "Ceramic planter with saucer, 18 cm, matt",
        "Blumentopf aus Keramik mit Untersetzer, 18 cm, matt",
        "Cache-pot en céramique avec soucoupe, 18 cm, mat",
        "Vaso in ceramica con sottovaso, 18 cm, opaco",
        "Maceta de cerámica con plato, 18 cm, mate",
        "Keramische bloempot met schotel, 18 cm, mat",
        "陶器鉢 受け皿付き 18cm マット",
    ),
    _product(
        "BEDSET",
        69.0,
        "Washed linen duvet set, 2 pieces, with coconut buttons",
        "Bettwäsche aus gewaschenem Leinen, 2-teilig, Kokosknöpfe",
        "Parure de lit en lin lavé, 2 pièces, boutons en coco",
        "Completo copripiumino in lino lavato, 2 pezzi, bottoni in cocco",
        "Juego de funda nórdica de lino lavado, 2 piezas, botones de coco",
        "Dekbedset van gewassen linnen, 2-delig, kokosknopen",
        "ウォッシュドリネン 掛け布団カバーセット 2点",
    ),
    _product(
        "HOOKS",
        14.95,
        "Wall hooks, solid beech, set of 5, screws included",
        "Wandhaken aus massiver Buche, 5er-Set, mit Schrauben",
        "Patères en hêtre massif, lot de 5, vis incluses",
        "Ganci da parete in faggio massello, set da 5, viti incluse",
        "Ganchos de pared de haya maciza, juego de 5, con tornillos",
        "Wandhaken van massief beuken, set van 5, inclusief schroeven",
        "ウォールフック ブナ無垢材 5個 ねじ付き",
    ),
    _product(
        "BASKET",
        29.9,
        "Storage basket of cotton rope, 36 x 32 cm, washable",
        "Aufbewahrungskorb aus Baumwollseil, 36 x 32 cm, waschbar",
        "Panier de rangement en corde de coton, 36 x 32 cm, lavable",
        "Cesto in corda di cotone, 36 x 32 cm, lavabile",
        "Cesta de cuerda de algodón, 36 x 32 cm, lavable",
        "Opbergmand van katoenen touw, 36 x 32 cm, wasbaar",
        "コットンロープ 収納バスケット 36x32cm",
    ),
    _product(
        "CURTAIN",
        44.5,
        "Blackout curtains, pair, 140 x 245 cm, with eyelets",
        "Verdunkelungsvorhänge, 2 Stück, 140 x 245 cm, mit Ösen",
        "Rideaux occultants, la paire, 140 x 245 cm, à œillets",
        "Tende oscuranti, coppia, 140 x 245 cm, con occhielli",
        "Cortinas opacas, par, 140 x 245 cm, con ojales",
        "Verduisterende gordijnen, paar, 140 x 245 cm, met ringen",
        "遮光カーテン 2枚組 140x245cm ハトメ",
    ),
)

OUTDOOR = (
    _product(
        "MUG",
        19.99,
        "Enamel camping mug, 350 ml, set of 2, dishwasher safe",
        "Emaille-Becher fürs Camping, 350 ml, 2er-Set, spülmaschinenfest",
        "Tasse de camping émaillée, 350 ml, lot de 2",
        "Tazza da campeggio smaltata, 350 ml, set da 2",
        "Taza de camping esmaltada, 350 ml, juego de 2, apta para lavavajillas",
        "Emaille campingmok, 350 ml, set van 2",
        "ホーロー キャンプマグ 350ml 2個セット",
    ),
    _product(
        "BOARD",
        34.0,
        "Cutting board, end-grain maple, 40 x 28 cm, juice groove",
        "Schneidebrett aus Ahorn-Stirnholz, 40 x 28 cm, mit Saftrille",
        "Planche à découper en érable de bout, 40 x 28 cm, avec rigole",
        "Tagliere in acero di testa, 40 x 28 cm, con scanalatura",
        "Tabla de cortar de arce, 40 x 28 cm, con ranura para jugos",
        "Snijplank van kops esdoorn, 40 x 28 cm, met sapgeul",
        "まな板 メープル 木口 40x28cm 溝付き",
    ),
    _product(
        "LANTERN",
        27.5,
        "Rechargeable camping lantern, 600 lumens, 48 h, USB-C",
        "Akku-Campinglaterne, 600 Lumen, 48 Std., USB-C",
        "Lanterne de camping rechargeable, 600 lumens, 48 h, USB-C",
        "Lanterna da campeggio ricaricabile, 600 lumen, 48 h, USB-C",
        "Linterna de camping recargable, 600 lúmenes, 48 h, USB-C",
        "Oplaadbare campinglantaarn, 600 lumen, 48 uur, USB-C",
        "充電式 キャンプランタン 600ルーメン 48時間 USB-C",
    ),
    _product(
        "THROW",
        49.0,
        "Picnic blanket, wool blend, waterproof back, 170 x 140 cm",
        "Picknickdecke, Wollmischung, wasserdichte Rückseite, 170 x 140 cm",
        "Couverture de pique-nique, laine mélangée, dos étanche, 170 x 140 cm",
        "Coperta da picnic, misto lana, retro impermeabile, 170 x 140 cm",
        "Manta de pícnic, mezcla de lana, base impermeable, 170 x 140 cm",
        "Picknickkleed, wolmix, waterdichte achterkant, 170 x 140 cm",
        "ピクニックブランケット ウール混 防水 170x140cm",
    ),
    _product(
        "FLASK",
        26.9,
        "Insulated bottle, stainless steel, 750 ml, 24 h cold",
        "Thermosflasche aus Edelstahl, 750 ml, 24 Std. kalt",
        "Gourde isotherme en inox, 750 ml, 24 h au froid",
        "Borraccia termica in acciaio, 750 ml, 24 h fredda",
        "Botella térmica de acero inoxidable, 750 ml, 24 h fría",
        "Thermosfles van roestvrij staal, 750 ml, 24 uur koud",
        "ステンレス 断熱ボトル 750ml 保冷24時間",
    ),
    _product(
        "APRON",
        31.5,
        "Canvas apron with leather straps, three pockets",
        "Schürze aus Canvas mit Lederriemen, drei Taschen",
        "Tablier en toile avec lanières en cuir, trois poches",
        "Grembiule in tela con cinghie in pelle, tre tasche",
        "Delantal de lona con correas de cuero, tres bolsillos",
        "Canvas schort met leren banden, drie zakken",
        "キャンバスエプロン 革ストラップ ポケット3つ",
    ),
    _product(
        "HAMMOCK",
        59.0,
        "Hammock for two, 210 x 140 cm, up to 200 kg, with tree straps",
        "Hängematte für zwei, 210 x 140 cm, bis 200 kg, mit Gurten",
        "Hamac deux places, 210 x 140 cm, jusqu'à 200 kg, avec sangles",
        "Amaca doppia, 210 x 140 cm, fino a 200 kg, con cinghie",
        "Hamaca doble, 210 x 140 cm, hasta 200 kg, con correas",
        "Hangmat voor twee, 210 x 140 cm, tot 200 kg, met boombanden",
        "2人用ハンモック 210x140cm 耐荷重200kg",
    ),
    _product(
        "KNIFE",
        42.0,
        "Folding pocket knife, walnut handle, 8 cm blade",
        "Taschenmesser, Griff aus Nussbaum, Klinge 8 cm",
        "Couteau pliant, manche en noyer, lame de 8 cm",
        "Coltello pieghevole, manico in noce, lama da 8 cm",
        "Navaja plegable, mango de nogal, hoja de 8 cm",
        "Zakmes, handgreep van notenhout, lemmet 8 cm",
        "折りたたみナイフ ウォールナット 刃渡り8cm",
    ),
)

# What a careless or malicious listing may contain: every screen has to show it as text.
HOSTILE = Product(
    "MILL",
    22.0,
    {
        "en": "Salt & pepper mill \"Duo\" <img src=x onerror=alert('title')> "
        "</td></script>{{ 7*7 }} ${7*7} =1+1, 🧂 2 pcs"
    },
)

COLOURS = {
    "en": ("sage", "sand", "charcoal", "rust"),
    "de": ("Salbei", "Sand", "Anthrazit", "Rost"),
    "fr": ("sauge", "sable", "anthracite", "rouille"),
    "it": ("salvia", "sabbia", "antracite", "ruggine"),
    "es": ("salvia", "arena", "antracita", "óxido"),
    "nl": ("salie", "zand", "antraciet", "roest"),
    "ja": ("セージ", "サンド", "チャコール", "ラスト"),
}
