"""What must not be said to buyers, phrase by phrase, in six languages and more.

Regular expressions, matched without regard to capitals, to a text of which spaces and line breaks
are single spaces. They are for phrases and not for words alone: a title such as "Five Star
Notebook" and a sentence such as "please review the drawing" are nobody's request for a review.
A phrase of another language is another line in its table.
"""

from __future__ import annotations

from collections.abc import Mapping

Phrases = Mapping[str, tuple[str, ...]]

# A few words between two that belong together, in one sentence.
_FEW = r"(?:[^\s.!?。]+ ){0,4}"
_NEAR = r"[^.!?。]{0,60}"

_REVIEW_REQUESTS: Phrases = {
    "en": (
        rf"\b(?:leave|leaving|write|writing|post|submit|share|give|giving|provide) {_FEW}reviews?\b"
        r"(?! (?:of|copy) )",
        rf"\b(?:leave|leaving|post|submit) {_FEW}(?:feedback|rating)\b",
        r"\b(?:rate|review) (?:us|our (?:product|store|shop|service)|your (?:purchase|experience)"
        r"|(?:the|this) (?:product|seller|item|purchase)) (?:on|at|with|if|when|here|and)\b",
        r"\brate (?:us|your (?:purchase|experience))\b",
        r"\b(?:rate|review) it on amazon\b",
        rf"\b(?:share|tell) {_FEW}(?:experience|opinion) with other (?:buyers|customers)\b",
        r"\b(?:your|honest|customer|product) reviews? (?:helps?|means?|matters?|would)\b",
        r"\bappreciate (?:a|your) (?:\w+ )?(?:review|rating)\b",
    ),
    "de": (
        rf"\b(?:bewertung|rezension|produktbewertung|verkäuferbewertung)(?:en)? {_FEW}"
        r"(?:abgeben|abzugeben|schreiben|hinterlassen|verfassen|teilen|freuen)\b",
        rf"\b(?:schreiben|hinterlassen|geben|verfassen) sie {_FEW}"
        r"(?:\w{0,20}bewertung|rezension)(?:en)?\b",
        r"\bbewerten sie (?:uns|unser\w*|den|das|ihren|diese\w*)\b",
        r"\bfreuen (?:wir )?uns (?:sehr )?(?:über|auf) (?:eine|ihre) (?:\w+ )?"
        r"(?:bewertung|rezension)\b",
        r"\bbewerte(?:t)? (?:uns|unser\w*)\b",
    ),
    "fr": (
        r"\b(?:laisser|laissez|écrire|écrivez|rédiger|rédigez|publier|publiez|poster|postez|déposer"
        r"|déposez|donner|donnez|partager|partagez)(?:[- ]nous)? (?:un|votre|des) "
        r"(?:\w+ ){0,2}(?:avis|commentaires?|évaluations?)\b(?! (?:de (?:passage"
        r"|livraison|réception)|d'expédition)\b)",
        r"\b(?:évaluer|évaluez|noter|notez)(?:[- ]nous| (?:notre|votre|ce|cet|le) "
        r"(?:produit|achat|boutique|article|service|vendeur))\b",
    ),
    "es": (
        r"\b(?:dejar|deje|deja|dejarnos|déjenos|escribir|escriba|escribe|publicar|publique"
        r"|compartir|comparta) (?:una|su|tu|sus) (?:\w+ ){0,2}"
        r"(?:reseña|reseñas|valoración|opinión|calificación)",
        r"\b(?:valore|valora|valorar|califique|calificar|reseñe) (?:nuestro|su|tu|el|este) "
        r"(?:producto|compra|pedido|servicio|artículo)\b",
    ),
    "it": (
        r"\b(?:lasciare|lasciarci|lasci|lascia|lasciaci|scrivere|scriva|scrivi|pubblicare|pubblichi"
        r"|condividere) (?:una|la sua|la tua|un) (?:\w+ ){0,2}"
        r"(?:recensione|recensioni|valutazione|feedback)\b",
        r"\b(?:recensire|recensisca|valutare|valuti|valuta) (?:il nostro|la nostra|il suo|il tuo"
        r"|il|questo) (?:prodotto|acquisto|negozio|servizio|articolo)\b",
    ),
    "ja": (
        r"(?:レビュー|評価|口コミ|クチコミ)(?:の)?(?:を)?(?:ご)?"
        r"(?:書いて|記入|投稿|記載|して|お願い|協力|お寄せ|残して)",
    ),
}

_POSITIVE_REVIEWS: Phrases = {
    "en": (
        r"\b(?:5|five)[- ]?stars? (?:product |seller )?(?:reviews?|ratings?|feedback)\b",
        r"\b(?:positive|good|great|nice|favou?rable) (?:product |seller )?"
        r"(?:reviews?|ratings?|feedback)\b",
        rf"\b(?:leave|give|rate) {_FEW}(?:5|five)[- ]stars?\b",
    ),
    "de": (
        r"\b(?:positive|gute|tolle|5-sterne-|fünf-sterne-)[nrs]? ?"
        r"(?:\w{0,20}bewertung|rezension)(?:en)?\b",
        rf"\b(?:mit|geben sie) {_FEW}(?:5|fünf) sterne[n]?\b",
    ),
    "fr": (
        r"\b(?:avis|commentaires?|évaluations?) (?:positif|positive|favorable)s?\b",
        r"\b(?:bonne note|avis (?:de |à )?(?:5|cinq) étoiles|(?:5|cinq) étoiles (?:sur|pour))\b",
    ),
    "es": (
        r"\b(?:reseña|valoración|opinión|calificación)(?:es)? positivas?\b",
        r"\b(?:buena reseña|buena valoración|(?:valoración|reseña) de (?:5|cinco) estrellas)\b",
    ),
    "it": (
        r"\b(?:recensione|valutazione|feedback)\w* positiv[aoie]\b",
        r"\b(?:buona recensione|(?:recensione|valutazione) (?:a|da|di) (?:5|cinque) stelle)\b",
    ),
    "ja": (r"(?:高評価|良い評価|よい評価|星5つ|[★☆⭐]5|5 ?[★☆⭐]|五つ星|5つ星)",),
}

_REVIEW_CHANGES: Phrases = {
    "en": (
        rf"\b(?:chang(?:e|ing)|edit(?:ing)?|remov(?:e|ing)|delet(?:e|ing)|updat(?:e|ing)"
        rf"|revis(?:e|ing)|tak(?:e|ing) down|withdraw(?:ing)?|reconsider(?:ing)?) {_FEW}"
        r"(?:review|rating|(?:negative|seller|your|the) feedback)\b",
    ),
    "de": (
        rf"\b(?:bewertung|rezension)(?:en)? {_FEW}"
        r"(?:ändern|abändern|löschen|entfernen|zurückziehen|zurücknehmen|anpassen|überdenken"
        r"|zu ändern|zu löschen|zu entfernen)\b",
        rf"\b(?:ändern|löschen|entfernen) sie {_FEW}(?:bewertung|rezension)\b",
        r"\bfeedback (?:zu )?(?:ändern|löschen|entfernen|zurückziehen|zurücknehmen)\b",
    ),
    "fr": (
        r"\b(?:modifier|modifiez|changer|changez|supprimer|supprimez|retirer|retirez|réviser) "
        r"(?:votre|vos|cet|l'|le|un) ?(?:\w+ )?(?:avis|commentaire|évaluation)\b",
    ),
    "es": (
        r"\b(?:modificar|modifique|cambiar|cambie|eliminar|elimine|borrar|borre|retirar|retire) "
        r"(?:su|tu|la|esta) (?:\w+ )?(?:reseña|valoración|opinión|calificación)",
    ),
    "it": (
        r"\b(?:modificare|modifichi|cambiare|cambi|rimuovere|rimuova|eliminare|elimini|cancellare"
        r"|cancelli|rivedere) (?:la|il) (?:(?:sua|suo|tua|tuo) )?(?:\w+ )?"
        r"(?:recensione|valutazione|feedback)\b",
    ),
    "ja": (
        r"(?:レビュー|評価|口コミ|クチコミ)(?:の|を)(?:[^。]{0,6})"
        r"(?:削除|変更|修正|取り消|訂正|見直)",
    ),
}

_REVIEW: Phrases = {
    "en": (r"(?:(?:a|your|honest|product|seller|positive) (?:reviews?|feedback|rating))\b",),
    "de": (r"(?:produkt|verkäufer|kunden)?(?:bewertung|rezension)(?:en)?\b",),
    "fr": (r"(?:un|votre) (?:\w+ )?(?:avis|commentaire|évaluation)\b",),
    "es": (r"(?:reseña|valoración|calificación)",),
    "it": (r"(?:recensione|valutazione)\b",),
    "ja": (r"(?:レビュー|評価|口コミ|クチコミ)",),
}
_REWARD: Phrases = {
    "en": (
        r"(?:gift(?: card)?s?|discount|coupon|voucher|refund|reward|cash ?back|bonus|free \w+"
        r"|\d{1,3} ?%)",
    ),
    "de": (
        r"(?:geschenk\w*|gutschein\w*|rabatt\w*|erstattung|rückerstattung|prämie|bonus|gratis\w*"
        r"|kostenlos\w*|\d{1,3} ?%)",
    ),
    "fr": (
        r"(?:cadeaux?|bon d'achat|réduction|remise|remboursement|récompense|gratuit\w*|\d{1,3} ?%)",
    ),
    "es": (r"(?:regalos?|descuento|cupón|vale|reembolso|recompensa|gratis|gratuito|\d{1,3} ?%)",),
    "it": (
        r"(?:regalo|omaggio|sconto|buono|rimborso|ricompensa|premio|gratis|gratuito|\d{1,3} ?%)",
    ),
    "ja": (r"(?:プレゼント|割引|クーポン|ギフト|返金|特典|謝礼|無料|キャッシュバック)",),
}
_REVIEW_REWARDS: Phrases = {
    language: (
        rf"{_REWARD[language][0]}{_NEAR}\b{_REVIEW[language][0]}"
        if language != "ja"
        else rf"{_REWARD[language][0]}{_NEAR}{_REVIEW[language][0]}",
        rf"{_REVIEW[language][0]}{_NEAR}{_REWARD[language][0]}",
    )
    for language in _REVIEW
}

_ADVERTISING: Phrases = {
    "en": (
        r"\bfollow us\b",
        r"\b(?:like|find) us on\b",
        r"\b(?:newsletter|mailing list|subscribe to our)\b",
        rf"\bvisit (?:our|us at) {_FEW}(?:website|shop|store|page)\b",
        r"\b(?:coupon|promo|promotion|promotional|discount|voucher) ?codes?\b",
        r"\b\d{1,3} ?% (?:off|discount)\b",
        r"\b(?:your|the) next (?:order|purchase)\b",
        r"\bspecial offers?\b",
        r"\bcheck out our (?:other|new)\b",
    ),
    "de": (
        r"\bfolgen sie uns\b",
        r"\bfolgt? uns\b",
        r"\bnewsletter\b",
        r"\bbesuchen sie (?:uns|unser\w*)\b",
        r"\b(?:gutschein|rabatt|aktions|promo)-?codes?\b",
        r"\b\d{1,3} ?% (?:rabatt|nachlass)\b",
        r"\b(?:ihre|ihren|ihrer|die) nächsten? (?:bestellung|einkauf)\b",
        r"\bsonderangebote?\b",
    ),
    "fr": (
        r"\bsuivez[- ]nous\b",
        r"\b(?:newsletter|lettre d'information)\b",
        r"\b(?:visitez|rendez-vous sur) notre\b",
        r"\bcodes? (?:promo|promotionnel|de réduction|avantage)\b",
        r"\b\d{1,3} ?% de (?:réduction|remise)\b",
        r"\b(?:votre prochaine?|vos prochaine?s) (?:commande|achat)s?\b",
        r"\boffres? spéciales?\b",
    ),
    "es": (
        r"\bs[ií](?:guenos|ganos)\b",
        r"\b(?:newsletter|boletín)\b",
        r"\bvisit[ea] nuestr[ao]\b",
        r"\bcódigos? (?:promocional(?:es)?|de descuento)\b",
        r"\b\d{1,3} ?% de descuento\b",
        r"\b(?:su|tu) próxim[ao] (?:compra|pedido)\b",
        r"\bofertas? especial(?:es)?\b",
    ),
    "it": (
        r"\b(?:seguiteci|seguici|ci segua)\b",
        r"\bnewsletter\b",
        r"\b(?:visiti|visita|visitate) (?:il nostro|la nostra)\b",
        r"\bcodic[ei] (?:promozional[ei]|sconto|promo)\b",
        r"\b\d{1,3} ?% di sconto\b",
        r"\b(?:suo|tuo) prossimo (?:acquisto|ordine)\b",
        r"\boffert[ae] special[ei]\b",
    ),
    "ja": (
        r"フォロー(?:して|を?お願い)",
        r"(?:メルマガ|メールマガジン|ニュースレター)",
        r"(?:クーポンコード|プロモーションコード|割引コード)",
        r"\d{1,3} ?%(?:オフ|OFF|割引|引き)",
        r"次回の?(?:ご)?(?:購入|注文)",
    ),
}

_MARKETING_WORDS: Phrases = {
    "en": (r"\b(?:discounts?|coupons?|vouchers?|bargains?|promotions?|giveaways?|free gifts?)\b",),
    "de": (r"\b(?:rabatte?|gutscheine?|schnäppchen|gewinnspiele?|werbung|gratis)\b",),
    "fr": (r"\b(?:remises?|réductions?|soldes|bons? d'achat|promotions?|cadeaux?)\b",),
    "es": (r"\b(?:descuentos?|cupón|cupones|rebajas|promoción|promociones|sorteos?)\b",),
    "it": (r"\b(?:sconti|sconto|coupon|promozion[ei]|omaggi[o]?|saldi)\b",),
    "ja": (r"(?:割引|クーポン|セール|キャンペーン|プレゼント)",),
}

# Words of which a person should think once more, in other languages of marketplaces too.
_REVIEW_WORDS: Phrases = {
    "en": (
        r"\b(?:(?:a|your|honest|product|customer) reviews?|(?:your|seller|customer) ratings?"
        r"|(?:seller|negative|positive|good|bad) feedback|(?:5|five) stars|thumbs up)\b",
    ),
    "de": (r"\b(?:\w{0,20}bewertung(?:en)?|rezension(?:en)?|(?:5|fünf) sternen?)\b",),
    "fr": (r"\b(?:votre avis|avis client|évaluations?|(?:5|cinq) étoiles)\b",),
    "es": (r"\b(?:reseñas?|valoraci(?:ón|ones)|(?:5|cinco) estrellas)\b",),
    "it": (r"\b(?:recension[ei]|(?:5|cinque) stelle)\b",),
    "nl": (r"\b(?:beoordeling(?:en)?|recensies?|(?:5|vijf) sterren)\b",),
    "pl": (r"\b(?:opini[aięe]|recenzj\w{1,3}|(?:5|pięć) gwiazdek)\b",),
    "pt": (r"\b(?:avaliaç(?:ão|ões)|(?:5|cinco) estrelas)\b",),
    "sv": (r"\b(?:omdömen?|recension(?:en|er)?|(?:5|fem) stjärnor)\b",),
    "tr": (r"\b(?:değerlendirme\w{0,8}|(?:5|beş) y\u0131ld\u0131z)\b",),
    "ja": (r"(?:レビュー|口コミ|クチコミ|[★☆⭐])",),
}

_LEAVING_AMAZON: Phrases = {
    "en": (
        r"\boutside (?:of )?amazon\b(?!')",
        r"\b(?:order|buy|purchase|pay) (?:\w+ ){0,2}(?:directly )?(?:from|with|through|via|on) "
        r"(?:us directly|our (?:own )?(?:website|web site|site|web ?shop|online shop))\b",
        r"\b(?:order|buy|purchase|pay) (?:\w+ )?directly (?:from|with|to|at|through) us\b",
        r"\b(?:pay|payment) (?:\w+ ){0,3}(?:by|via|with|through|to) "
        r"(?:paypal|bank transfer|wire transfer|western union|crypto\w*)\b",
    ),
    "de": (
        r"\baußerhalb (?:von )?amazons?\b",
        r"\bdirekt (?:bei|über|von) uns (?:zu )?(?:bestell\w+|kauf\w+|bezahl\w+)",
        r"\b(?:bestellen|kaufen|bezahlen) sie (?:\w+ ){0,3}(?:direkt )?(?:bei uns|auf unserer|über unsere)\b",
        r"\bauf unserer (?:website|webseite|homepage|internetseite)\b",
        r"\b(?:zahlen|bezahlen|zahlung|überweisen) (?:\w+ ){0,4}(?:per|mit|über|auf unser) "
        r"(?:paypal|überweisung|vorkasse|konto)\b",
    ),
    "fr": (
        r"\b(?:en dehors|hors) d(?:'|e )amazon\b",
        r"\b(?:commander|commandez|acheter|achetez|payer|payez) (?:\w+ ){0,2}directement (?:chez|auprès|sur)\b",
        r"\bsur notre (?:site|boutique en ligne)\b",
        r"\b(?:payer|payez|paiement) (?:\w+ ){0,3}(?:par|via|avec) (?:paypal|virement)\b",
    ),
    "es": (
        r"\bfuera de amazon\b",
        r"\b(?:comprar|compre|pedir|pida|pagar|pague) (?:\w+ ){0,2}directamente (?:a|con|en|por)\b",
        r"\ben nuestr[ao] (?:página|sitio|web|tienda online)\b",
        r"\b(?:pagar|pague|pago) (?:\w+ ){0,3}(?:por|con|mediante) (?:paypal|transferencia)\b",
    ),
    "it": (
        r"\b(?:fuori|al di fuori) (?:da|di) amazon\b",
        r"\b(?:ordinare|ordini|acquistare|acquisti|comprare|pagare|paghi) (?:\w+ ){0,2}direttamente "
        r"(?:da|dal|dalla|presso|sul|con)\b",
        r"\b(?:sul|nel) nostro (?:sito|negozio online)\b",
        r"\b(?:pagare|paghi|pagamento) (?:\w+ ){0,3}(?:con|tramite|via) (?:paypal|bonifico)\b",
    ),
    "ja": (
        r"(?:amazon|アマゾン)(?:の外|以外|を通さず|を介さず)",
        r"(?:当店|弊社|自社)の?(?:公式)?(?:サイト|ホームページ|ウェブサイト|オンラインショップ)",
        r"(?:直接|銀行振込で)(?:の)?(?:ご)?(?:注文|購入|支払|お支払)",
    ),
    "any": (r"\b(?:whats ?app|we ?chat|telegram|facebook messenger)\b",),
}

PHRASES: Mapping[str, Phrases] = {
    "review requests": _REVIEW_REQUESTS,
    "positive reviews": _POSITIVE_REVIEWS,
    "review changes": _REVIEW_CHANGES,
    "review rewards": _REVIEW_REWARDS,
    "review words": _REVIEW_WORDS,
    "advertising": _ADVERTISING,
    "marketing words": _MARKETING_WORDS,
    "leaving Amazon": _LEAVING_AMAZON,
}
