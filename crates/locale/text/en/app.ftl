# What the app itself says: tray, notifications, short news, findings of the doctor, runs. No full stop at the end.
tray-start = Start
tray-stop = Stop now
tray-stop-round = Stop after this round
tray-pause-for = Pause for…
tray-pause-quarter = 15 minutes
tray-pause-hour = 1 hour
tray-pause-four = 4 hours
tray-pause-tomorrow = Until tomorrow morning
tray-pause-battery = While on battery
tray-pause-open = Until I resume
tray-resume = Resume
tray-open = Open Covey
tray-quit = Quit

notice-accepted-title = Your first round was accepted
notice-accepted-body = What this computer trained is now part of the model
notice-problem-title = Covey needs you
notice-update-title = An update of Covey is ready
notice-update-body = Open Covey to see what is new
notice-payout-title = Pay came in
notice-payout-body = Open Covey to see the rounds it is for
notice-tray-title = Covey is still here
notice-tray-body = Closing the window hides it. Open it, stop or quit from the icon in the tray, or by starting Covey again

toast-accepted = Round { $round } was accepted
toast-finished = All rounds are done
toast-run-added = { $name } is on the list and chosen
toast-report-saved = The report was saved: { $path }
toast-csv-saved = The table was saved: { $path }
toast-window-crashed = The window closed by itself and was opened again. Training went on

run-rehearsal-name = Rehearsal
run-pays-nothing = Credits without any value
run-pays-ledger = Credits of the run's own ledger
run-pays-subnet = Paid by subnet { $netuid } of Bittensor
run-fits-rehearsal = Fits every computer
run-fits = Needs about { $need } of memory, and there are { $have } (estimate)
run-fits-not = Needs about { $need } of memory, and there are only { $have } (estimate)

earnings-banner-rehearsal = A rehearsal pays credits, which have no value and cannot be cashed in

found-not-run = Not checked
found-gpu = { $cards } can train
found-gpu-none = No card can train; a rehearsal runs on the processor
found-driver = NVIDIA driver { $version }
found-driver-none = No NVIDIA driver answers
found-disk = { $free } are free
found-memory = { $free } are free
found-clock = The clock is plausible
found-clock-wrong = The clock is wrong
found-peer = The trainer has version { $version } and starts
found-peer-bad = The trainer does not start
found-keychain = The keychain keeps what it is given
found-keychain-none = The keychain cannot be used; wallets need a passphrase
found-network-not-needed = A rehearsal needs no network; a run's own is looked at when it is joined
