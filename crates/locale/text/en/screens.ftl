# The window's frame, Home, Training, Network, Help.
app-name = Covey
unknown = unknown
side-version = Version { $version }

screen-home = Home
screen-training = Training
screen-earnings = Earnings
screen-network = Network
screen-runs = Runs
screen-wallet = Wallet
screen-settings = Settings
screen-help = Help

control-start = Start
control-start-again = Start again
control-start-now = Start again now
control-stop = Stop
control-stop-now = Stop now
control-stopping = Stopping …
control-finish-round = Finish this round, then stop
control-finish-round-tip = Nothing is lost: the running round is sent and judged first
control-resume = Resume
control-pause = Pause
control-pause-menu = How long to pause
pause-for-quarter = 15 minutes
pause-for-hour = 1 hour
pause-for-four-hours = 4 hours
pause-for-tomorrow = Until tomorrow
pause-for-battery = While on battery
pause-for-resumed = Until I resume
stop-title = Stop training?
stop-title-rehearsal = Stop the rehearsal?
question-cancel = Cancel

problem-dismiss = Dismiss
problem-retry = Try again
problem-open = Open the page
problem-copy-command = Copy the command
problems-more = { $more } more
toast-dismiss = Dismiss: { $text }

chart-empty = No points yet
chart-now = now
chart-before = -{ $before }
chart-round = round { $round }
chart-said = { $name }: newest { $last }, between { $low } and { $high }

of = { $part } of { $all }
celsius = { $degrees } °C
watts = { $watts } W
percent = { $value } %
unit-credits = credits (no value)
ring-said = { $name }: { $count ->
    [one] one peer
   *[other] { $count } peers
}

home-nothing-starts = Nothing is running. Nothing starts until you press Start.
home-finished = All rounds are done. Everything below is what they brought.
home-try-rehearsal = Try a rehearsal
home-choose-run = Choose a run
home-open-wizard = Open set-up
home-start-starts = Chosen run
home-rehearsal = Rehearsal on this computer
home-run = Run
home-model = Model
home-parameters = { $count } parameters
home-text = Text
home-speed = Speed
home-elapsed = Running for
home-what-happens = What happens then
home-step-train = Your card trains a copy of the model on its own part of the text.
home-step-send = What it learned is compressed more than a hundredfold and sent.
home-step-check = Others check every contribution before it counts.
home-step-count = Accepted contributions move the shared model, and count for you.
home-steps-note = You can stop at any time. The button says what that costs.
home-why-paused = Why it is paused
home-pause-since = for { $since } · ends with: { $ends }
home-pause-left = in { $left }

home-loss = Loss
loss-of-run = the run (held-out)
loss-of-mine = mine
home-earned = Earned
earned-today = Today
earned-week = 7 days
earned-total = In total
earned-more = All earnings

cards-title = Graphics cards
cards-driver = Driver { $driver }, CUDA { $cuda }
cards-looking = Looking for graphics cards …
cards-none = No NVIDIA card can be used
cards-none-hint = A rehearsal runs on the processor as well. Shared runs need a card.
cards-look-again = Look again
card-off = switched off in Settings
card-stale = no reading for { $secs }
card-memory = Memory
card-work = Work
card-temperature = Temperature
card-power = Power
card-fan = Fan
card-narrow = link x{ $now } of x{ $best }
card-others = Also in use by { $who }
throttle-power-cap = held back by its power limit
throttle-sw-thermal = held back by heat
throttle-hw-thermal = held back by too much heat
throttle-hw-slowdown = held back by its own protection
throttle-power-brake = held back by the power supply
throttle-sync-boost = held back by another card
throttle-clocks-setting = held back by a clock limit

sensor-work = Work of the cards (%)
sensor-temperature = Temperature of the hottest card (°C)
sensor-power = Power of all cards (W)

tiles-title = Last rounds
tiles-none = No round yet
tiles-none-hint = Every round ends with one verdict. The first one shows up here.
tiles-accepted = { $count } accepted
tiles-probation = { $count } on probation
tiles-rejected = { $count } rejected
tiles-missed = { $count } missed
tiles-open = { $count } not judged yet
tile-open = round { $round }: not judged yet
tile-score = score { $score } ({ $mark })
tile-moved = { $count } parameters moved
term-round = What is a round?
term-round-means = Everybody trains for a while on their own, then sends what they learned. The accepted parts are added up, and the next round begins from the result.
term-gradient-means = What your card learned in this round, called a pseudo-gradient: the difference between the model before and after. Only its largest parts are sent, in a few bits each; the rest is kept and added next time.

timeline-title = Round { $round }
timeline-lane-none = { $phase }: not yet
timeline-lane-running = { $phase }: { $took } so far
timeline-lane-done = { $phase }: { $took }
timeline-now = now { $elapsed }
timeline-deadline = deadline { $at }
timeline-sizes = { $dense } became { $sent }: { $times } times smaller
timeline-no-deadline = A rehearsal has no deadline: its clock waits for everybody.

swarm-title = Peers on this computer
swarm-credits = Credits (no value)
swarm-note = Each is a process of its own, with its own part of the text. Nothing leaves this computer.

training-none = Nothing has been trained yet
training-none-hint = Press Start. Loss, speed and what your card moved show up here, step by step.
training-now = Now
training-loss = Loss
training-speed = Speed
training-lr = Learning rate
training-grad = Gradient norm
training-moved = Parameters moved by me
training-share = My share of the round
chart-loss = My loss (nats per token)
chart-run-loss = The run's held-out loss (nats per token)
chart-speed = Speed (tokens per second)
chart-lr = Learning rate
chart-grad = Gradient norm
lamps-title = My own check before sending
lamps-title-round = My own check before sending, round { $round }
lamps-none = Not checked yet
lamps-none-hint = Before each upload Covey runs the validators' checks on its own work.
lamp-format = Format
lamp-liveness = In time
lamp-sync = In step
lamp-norm = Size
lamp-contribution = Helps
lamp-state-pass = good
lamp-state-warn = close to a limit
lamp-state-fail = would be refused
lamp-state-unknown = unknown
term-lamps = Why check before sending?
term-lamps-means = Validators run the same checks on every contribution. What would be refused is seen here first, with the numbers behind it.
layers-title = What I moved, layer by layer
layers-title-round = What I moved in round { $round }, layer by layer
layers-none = Nothing moved yet
layers-none-hint = After the first round this strip shows in which layers your card changed most.
layers-input = input
layers-output = output
layers-sum = { $moved } of { $of } parameters
term-layers = How to read this
term-layers-means = A layer is one step of the model from the text that goes in to the word that comes out. The brighter and the higher the line, the larger the part of a layer's parameters that you moved.
layer-moved = { $name }: { $moved } of { $of } moved ({ $percent })
layer-share = your share of the round { $share }
layer-share-unknown = your share is known when the round ends
sample-title = Text from the model
sample-then = When you joined
sample-now = Now
sample-none = No text yet
sample-round = from the parameters of round { $round }
sample-prompt = Beginning of the text
sample-prompt-hint = A beginning, or nothing
sample-ask = Write on
sample-not-now = The model writes while it trains.

network-none = No peers yet
network-none-hint = When a run is on, the others in it stand here, with the way each is reached.
network-local = Everything happens on this computer
network-local-hint = A rehearsal's peers are processes here. Nothing is sent over the network, so there is nothing to reach and no volume to count.
network-rate = Up and down
network-up = up
network-down = down
network-up-now = Up now
network-down-now = Down now
milliseconds = { $ms } ms
reach-title = Can others reach this computer?
reach-unknown = Not looked at yet
reach-unknown-hint = This is found out when a shared run starts.
reach-not-needed = There is no need to
reach-not-needed-hint = Everything happens on this computer.
reach-open = Yes, straight
reach-open-hint = The best there is.
reach-punched = Yes, through the router
reach-punched-hint = The router lets answers in. That is as good as straight.
reach-relayed = Only through a relay
reach-relayed-hint = It works, but slower. Allowing UPnP in the router, or forwarding a port, makes it faster.
reach-blocked = No
reach-blocked-hint = A firewall is in the way. Allow Covey in it, or use another line.
month-title = This month
month-used = Up and down together
month-no-quota = No limit is set.
month-split = { $up } up, { $down } down
month-change = Change the limit
peers-title = { $count ->
    [one] One other peer
   *[other] { $count } other peers
}
peers-me = this computer
peers-name = Peer
peers-path = Path
peers-rtt = Round trip
peers-doing = Doing
peers-verdict = Last verdict
peers-here = here
peers-no-verdict = none yet
path-local = on this computer
path-direct = straight
path-relayed = through a relay
path-bucket = through a bucket
term-paths = What do the lines mean?
term-paths-means = A full line: the two computers talk straight. Dashes: a relay passes sealed packets on. Dots: both use a storage bucket. No line: nobody knows yet.

help-doctor = Check-up
help-log = Log
help-report = Report
help-about = About
doctor-title = Check-up
doctor-none = Nothing was checked yet
doctor-none-hint = A check-up looks at card, driver, disk, clock, network and keychain, and says what to do.
doctor-check = Check everything
doctor-checking = Checking …
doctor-all-good = Everything is fine
doctor-limited = { $count ->
    [one] One thing works with less
   *[other] { $count } things work with less
}
doctor-bad = { $count ->
    [one] One thing does not work
   *[other] { $count } things do not work
}
check-gpu = Graphics card
check-driver = Driver
check-disk = Disk
check-clock = Clock
check-network = Network
check-keychain = Keychain
check-memory = Memory
check-peer = Trainer
check-tray = Tray icon
check-state-bad = does not work
check-state-limited = works with less
check-state-not-run = not checked
check-state-good = fine
uptime-title = The last 30 days
uptime-none = Nothing is recorded yet. Training, pauses and faults of the last 30 days show up here.
uptime-training = Training
uptime-paused = Paused
uptime-updating = Updating
uptime-down = In trouble
uptime-off = Not running
uptime-days = -{ $days } d
uptime-span = { $what } for { $took }, until { $ago } ago
log-none = The log is empty
log-none-hint = What the trainer does is written here, line by line.
log-search = Search in the log
log-looking = Looking …
log-nothing-found = No line has that level and text. Choose a lower level or another text.
log-list = Log, { $count } lines
log-count = { $count } lines, times are UTC
log-copy = { $count ->
    [one] Copy one line
   *[other] Copy { $count } lines
}
log-copy-all = Copy all
level-debug = Debug
level-info = Info
level-warn = Warning
level-error = Error
report-none = A report for those who help you
report-none-hint = It holds version, settings and the last lines of the log. Names, addresses, keys and paths are blacked out, and you see every file before it is saved.
report-make = Put a report together
report-id = Report
report-blacked-out = Blacked out
report-look = This is everything the report holds, exactly as it would be saved.
report-save = Save the report
report-anew = Put it together anew
report-stays = Nothing is sent. The report is a file on this computer; you decide who gets it.
report-saved = Saved: { $path }
report-copy-path = Copy the path
about-what = Covey trains language models together with many others. It is free software, without accounts and without a company behind the counter.
about-version = Version
about-folder = Data folder
about-open-folder = Open the folder
about-copy-folder = Copy the path
about-source = Source code
about-licence = Licence
about-changes = What is new
