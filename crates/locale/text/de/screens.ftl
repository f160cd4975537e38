# Rahmen des Fensters, Übersicht, Training, Netzwerk, Hilfe.
app-name = Covey
unknown = unbekannt
side-version = Version { $version }

screen-home = Übersicht
screen-training = Training
screen-earnings = Verdienst
screen-network = Netzwerk
screen-runs = Läufe
screen-wallet = Wallet
screen-settings = Einstellungen
screen-help = Hilfe

control-start = Starten
control-start-again = Neu starten
control-start-now = Jetzt neu starten
control-stop = Stoppen
control-stop-now = Jetzt stoppen
control-stopping = Wird gestoppt …
control-finish-round = Runde abschließen, dann stoppen
control-finish-round-tip = Nichts geht verloren: Die laufende Runde wird vorher gesendet und bewertet
control-resume = Fortsetzen
control-pause = Pause
control-pause-menu = Dauer der Pause
pause-for-quarter = 15 Minuten
pause-for-hour = 1 Stunde
pause-for-four-hours = 4 Stunden
pause-for-tomorrow = Bis morgen
pause-for-battery = Im Akkubetrieb
pause-for-resumed = Bis ich fortsetze
stop-title = Training stoppen?
stop-title-rehearsal = Probe stoppen?
question-cancel = Abbrechen

problem-dismiss = Schließen
problem-retry = Erneut versuchen
problem-open = Seite öffnen
problem-copy-command = Befehl kopieren
problems-more = { $more } weitere
toast-dismiss = Schließen: { $text }

chart-empty = Noch keine Punkte
chart-now = jetzt
chart-before = -{ $before }
chart-round = Runde { $round }
chart-said = { $name }: zuletzt { $last }, zwischen { $low } und { $high }

of = { $part } von { $all }
celsius = { $degrees } °C
watts = { $watts } W
percent = { $value } %
unit-credits = Credits (ohne Wert)
ring-said = { $name }: { $count ->
    [one] ein Peer
   *[other] { $count } Peers
}

home-nothing-starts = Es läuft nichts. Nichts startet, bevor du „Starten“ drückst.
home-finished = Alle Runden sind fertig. Was sie gebracht haben, steht unten.
home-try-rehearsal = Probe ausprobieren
home-choose-run = Lauf auswählen
home-open-wizard = Einrichtung öffnen
home-start-starts = Ausgewählter Lauf
home-rehearsal = Probe auf diesem Computer
home-run = Lauf
home-model = Modell
home-parameters = { $count } Parameter
home-text = Text
home-speed = Tempo
home-elapsed = Läuft seit
home-what-happens = Was dann geschieht
home-step-train = Deine Karte trainiert eine Kopie des Modells mit ihrem eigenen Teil des Textes.
home-step-send = Was sie lernt, wird mehr als hundertfach komprimiert und gesendet.
home-step-check = Andere prüfen jeden Beitrag, bevor er zählt.
home-step-count = Angenommene Beiträge bringen das gemeinsame Modell voran und zählen für dich.
home-steps-note = Du kannst jederzeit stoppen. Der Knopf sagt, was das kostet.
home-why-paused = Warum pausiert wird
home-pause-since = seit { $since } · endet mit: { $ends }
home-pause-left = in { $left }

home-loss = Verlust
loss-of-run = Lauf (zurückgehaltener Text)
loss-of-mine = meiner
home-earned = Verdient
earned-today = Heute
earned-week = 7 Tage
earned-total = Insgesamt
earned-more = Gesamter Verdienst

cards-title = Grafikkarten
cards-driver = Treiber { $driver }, CUDA { $cuda }
cards-looking = Sucht nach Grafikkarten …
cards-none = Keine nutzbare NVIDIA-Karte
cards-none-hint = Eine Probe läuft auch auf dem Prozessor. Gemeinsame Läufe brauchen eine Karte.
cards-look-again = Erneut suchen
card-off = in den Einstellungen ausgeschaltet
card-stale = kein Messwert seit { $secs }
card-memory = Speicher
card-work = Auslastung
card-temperature = Temperatur
card-power = Leistung
card-fan = Lüfter
card-narrow = Anbindung x{ $now } von x{ $best }
card-others = Auch genutzt von { $who }
throttle-power-cap = gebremst durch die Leistungsgrenze
throttle-sw-thermal = gebremst durch Hitze
throttle-hw-thermal = gebremst durch zu große Hitze
throttle-hw-slowdown = gebremst durch den eigenen Schutz
throttle-power-brake = gebremst durch die Stromversorgung
throttle-sync-boost = gebremst durch eine andere Karte
throttle-clocks-setting = gebremst durch eine Taktgrenze

sensor-work = Auslastung der Karten (%)
sensor-temperature = Temperatur der heißesten Karte (°C)
sensor-power = Leistung aller Karten (W)

tiles-title = Letzte Runden
tiles-none = Noch keine Runde
tiles-none-hint = Jede Runde endet mit einem Urteil. Das erste erscheint hier.
tiles-accepted = { $count } angenommen
tiles-probation = { $count } auf Bewährung
tiles-rejected = { $count } abgelehnt
tiles-missed = { $count } verpasst
tiles-open = { $count } noch nicht bewertet
tile-open = Runde { $round }: noch nicht bewertet
tile-score = Wertung { $score } ({ $mark })
tile-moved = { $count } Parameter bewegt
term-round = Was ist eine Runde?
term-round-means = Alle trainieren eine Weile für sich und senden dann, was sie gelernt haben. Die angenommenen Teile werden addiert, und die nächste Runde beginnt mit dem Ergebnis.
term-gradient-means = Was deine Karte in dieser Runde gelernt hat, Pseudogradient genannt: der Unterschied zwischen dem Modell vorher und nachher. Nur seine größten Anteile werden gesendet, mit je wenigen Bits; der Rest wird aufgehoben und beim nächsten Mal addiert.

timeline-title = Runde { $round }
timeline-lane-none = { $phase }: noch nicht
timeline-lane-running = { $phase }: bisher { $took }
timeline-lane-done = { $phase }: { $took }
timeline-now = jetzt { $elapsed }
timeline-deadline = Frist { $at }
timeline-sizes = { $dense } wurden zu { $sent }: { $times }-mal kleiner
timeline-no-deadline = Eine Probe hat keine Frist: Ihre Uhr wartet auf alle.

swarm-title = Peers auf diesem Computer
swarm-credits = Credits (ohne Wert)
swarm-note = Jeder ist ein eigener Prozess mit seinem eigenen Teil des Textes. Nichts verlässt diesen Computer.

training-none = Noch nichts trainiert
training-none-hint = Drücke „Starten“. Verlust, Tempo und was deine Karte bewegt hat erscheinen hier, Schritt für Schritt.
training-now = Jetzt
training-loss = Verlust
training-speed = Tempo
training-lr = Lernrate
training-grad = Gradientennorm
training-moved = Von mir bewegte Parameter
training-share = Mein Anteil an der Runde
chart-loss = Mein Verlust (Nats pro Token)
chart-run-loss = Verlust des Laufs auf zurückgehaltenem Text (Nats pro Token)
chart-speed = Tempo (Token pro Sekunde)
chart-lr = Lernrate
chart-grad = Gradientennorm
lamps-title = Meine eigene Prüfung vor dem Senden
lamps-title-round = Meine eigene Prüfung vor dem Senden, Runde { $round }
lamps-none = Noch nicht geprüft
lamps-none-hint = Vor jedem Upload wendet Covey die Prüfungen der Validatoren auf die eigene Arbeit an.
lamp-format = Format
lamp-liveness = Rechtzeitig
lamp-sync = Im Gleichschritt
lamp-norm = Größe
lamp-contribution = Hilft
lamp-state-pass = gut
lamp-state-warn = nahe an einer Grenze
lamp-state-fail = würde abgelehnt
lamp-state-unknown = unbekannt
term-lamps = Warum vor dem Senden prüfen?
term-lamps-means = Validatoren prüfen jeden Beitrag auf dieselbe Weise. Was abgelehnt würde, ist hier zuerst zu sehen, mit den Zahlen dahinter.
layers-title = Was ich bewegt habe, Schicht für Schicht
layers-title-round = Was ich in Runde { $round } bewegt habe, Schicht für Schicht
layers-none = Noch nichts bewegt
layers-none-hint = Nach der ersten Runde zeigt dieser Streifen, in welchen Schichten deine Karte am meisten geändert hat.
layers-input = Eingabe
layers-output = Ausgabe
layers-sum = { $moved } von { $of } Parametern
term-layers = Wie liest man das?
term-layers-means = Eine Schicht ist ein Schritt des Modells vom eingegebenen Text zum Wort, das herauskommt. Je heller und höher die Linie, desto größer der Teil der Parameter einer Schicht, den du bewegt hast.
layer-moved = { $name }: { $moved } von { $of } bewegt ({ $percent })
layer-share = dein Anteil an der Runde { $share }
layer-share-unknown = dein Anteil steht am Ende der Runde fest
sample-title = Text vom Modell
sample-then = Als du dazukamst
sample-now = Jetzt
sample-none = Noch kein Text
sample-round = mit den Parametern von Runde { $round }
sample-prompt = Anfang des Textes
sample-prompt-hint = Ein Anfang oder nichts
sample-ask = Weiterschreiben
sample-not-now = Das Modell schreibt, während es trainiert.

network-none = Noch keine Peers
network-none-hint = Läuft ein Lauf, stehen hier die anderen darin und wie jeder erreicht wird.
network-local = Alles geschieht auf diesem Computer
network-local-hint = Die Peers einer Probe sind Prozesse hier. Nichts geht über das Netzwerk, also gibt es nichts zu erreichen und kein Volumen zu zählen.
network-rate = Upload und Download
network-up = Upload
network-down = Download
network-up-now = Upload jetzt
network-down-now = Download jetzt
milliseconds = { $ms } ms
reach-title = Können andere diesen Computer erreichen?
reach-unknown = Noch nicht geprüft
reach-unknown-hint = Das zeigt sich, wenn ein gemeinsamer Lauf startet.
reach-not-needed = Das ist nicht nötig
reach-not-needed-hint = Alles geschieht auf diesem Computer.
reach-open = Ja, direkt
reach-open-hint = Besser geht es nicht.
reach-punched = Ja, durch den Router
reach-punched-hint = Der Router lässt Antworten herein. Das ist so gut wie direkt.
reach-relayed = Nur über ein Relay
reach-relayed-hint = Das funktioniert, aber langsamer. Mit UPnP im Router oder einer Portweiterleitung geht es schneller.
reach-blocked = Nein
reach-blocked-hint = Eine Firewall ist im Weg. Erlaube Covey darin oder nutze eine andere Verbindung.
month-title = Dieser Monat
month-used = Upload und Download zusammen
month-no-quota = Keine Grenze gesetzt.
month-split = { $up } Upload, { $down } Download
month-change = Grenze ändern
peers-title = { $count ->
    [one] Ein anderer Peer
   *[other] { $count } andere Peers
}
peers-me = dieser Computer
peers-name = Peer
peers-path = Weg
peers-rtt = Umlaufzeit
peers-doing = Tätigkeit
peers-verdict = Letztes Urteil
peers-here = hier
peers-no-verdict = noch keines
path-local = auf diesem Computer
path-direct = direkt
path-relayed = über ein Relay
path-bucket = über einen Bucket
term-paths = Was bedeuten die Linien?
term-paths-means = Durchgezogen: Die beiden Computer sprechen direkt miteinander. Gestrichelt: Ein Relay reicht versiegelte Datenpakete weiter. Gepunktet: Beide nutzen einen Speicher-Bucket. Keine Linie: Noch weiß es niemand.

help-doctor = Diagnose
help-log = Protokoll
help-report = Bericht
help-about = Über
doctor-title = Diagnose
doctor-none = Noch nichts geprüft
doctor-none-hint = Die Diagnose prüft Karte, Treiber, Datenträger, Uhr, Netzwerk und Schlüsselbund und sagt, was zu tun ist.
doctor-check = Alles prüfen
doctor-checking = Prüft …
doctor-all-good = Alles ist in Ordnung
doctor-limited = { $count ->
    [one] Ein Punkt funktioniert eingeschränkt
   *[other] { $count } Punkte funktionieren eingeschränkt
}
doctor-bad = { $count ->
    [one] Ein Punkt funktioniert nicht
   *[other] { $count } Punkte funktionieren nicht
}
check-gpu = Grafikkarte
check-driver = Treiber
check-disk = Datenträger
check-clock = Uhr
check-network = Netzwerk
check-keychain = Schlüsselbund
check-memory = Arbeitsspeicher
check-peer = Trainer
check-tray = Symbol im Infobereich
check-state-bad = funktioniert nicht
check-state-limited = eingeschränkt
check-state-not-run = nicht geprüft
check-state-good = in Ordnung
uptime-title = Die letzten 30 Tage
uptime-none = Noch nichts aufgezeichnet. Training, Pausen und Fehler der letzten 30 Tage erscheinen hier.
uptime-training = Training
uptime-paused = Pausiert
uptime-updating = Update
uptime-down = Gestört
uptime-off = Läuft nicht
uptime-days = -{ $days } d
uptime-span = { $what }: { $took } lang, bis vor { $ago }
log-none = Das Protokoll ist leer
log-none-hint = Was der Trainer tut, steht hier Zeile für Zeile.
log-search = Im Protokoll suchen
log-looking = Sucht …
log-nothing-found = Keine Zeile hat diese Stufe und diesen Text. Wähle eine niedrigere Stufe oder einen anderen Text.
log-list = Protokoll, { $count } Zeilen
log-count = { $count } Zeilen, Zeiten in UTC
log-copy = { $count ->
    [one] Eine Zeile kopieren
   *[other] { $count } Zeilen kopieren
}
log-copy-all = Alles kopieren
level-debug = Debug
level-info = Info
level-warn = Warnung
level-error = Fehler
report-none = Ein Bericht für alle, die dir helfen
report-none-hint = Er enthält Version, Einstellungen und die letzten Zeilen des Protokolls. Namen, Adressen, Schlüssel und Pfade sind geschwärzt, und du siehst jede Datei, bevor sie gespeichert wird.
report-make = Bericht zusammenstellen
report-id = Bericht
report-blacked-out = Geschwärzt
report-look = Das ist alles, was der Bericht enthält, genau so, wie es gespeichert würde.
report-save = Bericht speichern
report-anew = Neu zusammenstellen
report-stays = Nichts wird gesendet. Der Bericht ist eine Datei auf diesem Computer; du entscheidest, wer sie bekommt.
report-saved = Gespeichert: { $path }
report-copy-path = Pfad kopieren
about-what = Covey trainiert Sprachmodelle gemeinsam mit vielen anderen. Es ist freie Software, ohne Konten und ohne eine Firma dahinter.
about-version = Version
about-folder = Datenordner
about-open-folder = Ordner öffnen
about-copy-folder = Pfad kopieren
about-source = Quellcode
about-licence = Lizenz
about-changes = Neuigkeiten
