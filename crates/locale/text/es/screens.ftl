# Marco de la ventana, Inicio, Mi entrenamiento, Red, Ayuda.
app-name = Covey
unknown = desconocido
side-version = Versión { $version }

screen-home = Inicio
screen-training = Mi entrenamiento
screen-earnings = Ganancias
screen-network = Red
screen-runs = Entrenamientos
screen-wallet = Monedero
screen-settings = Ajustes
screen-help = Ayuda

control-start = Iniciar
control-start-again = Iniciar de nuevo
control-start-now = Iniciar de nuevo ya
control-stop = Detener
control-stop-now = Detener ahora
control-stopping = Deteniendo…
control-finish-round = Terminar esta ronda y detener
control-finish-round-tip = No se pierde nada: la ronda en curso se envía y se evalúa antes
control-resume = Reanudar
control-pause = Pausar
control-pause-menu = Duración de la pausa
pause-for-quarter = 15 minutos
pause-for-hour = 1 hora
pause-for-four-hours = 4 horas
pause-for-tomorrow = Hasta mañana
pause-for-battery = Mientras use batería
pause-for-resumed = Hasta que reanude
stop-title = ¿Detener el entrenamiento?
stop-title-rehearsal = ¿Detener el ensayo?
question-cancel = Cancelar

problem-dismiss = Descartar
problem-retry = Reintentar
problem-open = Abrir la página
problem-copy-command = Copiar el comando
problems-more = { $more } más
toast-dismiss = Descartar: { $text }

chart-empty = Aún no hay puntos
chart-now = ahora
chart-before = -{ $before }
chart-round = ronda { $round }
chart-said = { $name }: último { $last }, entre { $low } y { $high }

of = { $part } de { $all }
celsius = { $degrees } °C
watts = { $watts } W
percent = { $value } %
unit-credits = créditos (sin valor)
ring-said = { $name }: { $count ->
    [one] un par
   *[other] { $count } pares
}

home-nothing-starts = No hay nada en marcha. Nada empieza hasta que pulses Iniciar.
home-finished = Todas las rondas han terminado. Abajo está todo lo que aportaron.
home-try-rehearsal = Probar un ensayo
home-choose-run = Elegir un entrenamiento
home-open-wizard = Abrir la configuración
home-start-starts = Entrenamiento elegido
home-rehearsal = Ensayo en este equipo
home-run = Entrenamiento
home-model = Modelo
home-parameters = { $count } parámetros
home-text = Texto
home-speed = Velocidad
home-elapsed = En marcha desde hace
home-what-happens = Qué ocurre entonces
home-step-train = Tu tarjeta entrena una copia del modelo con su propia parte del texto.
home-step-send = Lo que aprendió se comprime más de cien veces y se envía.
home-step-check = Otros comprueban cada contribución antes de que cuente.
home-step-count = Las contribuciones aceptadas mueven el modelo compartido y cuentan para ti.
home-steps-note = Puedes detenerlo en cualquier momento. El botón dice qué cuesta.
home-why-paused = Por qué está en pausa
home-pause-since = desde hace { $since } · termina con: { $ends }
home-pause-left = en { $left }

home-loss = Pérdida
loss-of-run = el entrenamiento (texto reservado)
loss-of-mine = la mía
home-earned = Ganado
earned-today = Hoy
earned-week = 7 días
earned-total = En total
earned-more = Todas las ganancias

cards-title = Tarjetas gráficas
cards-driver = Controlador { $driver }, CUDA { $cuda }
cards-looking = Buscando tarjetas gráficas…
cards-none = No hay ninguna tarjeta NVIDIA utilizable
cards-none-hint = Un ensayo también funciona en el procesador. Los entrenamientos compartidos necesitan una tarjeta.
cards-look-again = Buscar de nuevo
card-off = desactivada en Ajustes
card-stale = sin lectura desde hace { $secs }
card-memory = Memoria
card-work = Carga
card-temperature = Temperatura
card-power = Potencia
card-fan = Ventilador
card-narrow = enlace x{ $now } de x{ $best }
card-others = También la usa: { $who }
throttle-power-cap = frenada por su límite de potencia
throttle-sw-thermal = frenada por el calor
throttle-hw-thermal = frenada por exceso de calor
throttle-hw-slowdown = frenada por su propia protección
throttle-power-brake = frenada por la fuente de alimentación
throttle-sync-boost = frenada por otra tarjeta
throttle-clocks-setting = frenada por un límite de frecuencia

sensor-work = Carga de las tarjetas (%)
sensor-temperature = Temperatura de la tarjeta más caliente (°C)
sensor-power = Potencia de todas las tarjetas (W)

tiles-title = Últimas rondas
tiles-none = Aún no hay rondas
tiles-none-hint = Cada ronda termina con un veredicto. El primero aparecerá aquí.
tiles-accepted = { $count } aceptadas
tiles-probation = { $count } a prueba
tiles-rejected = { $count } rechazadas
tiles-missed = { $count } perdidas
tiles-open = { $count } sin evaluar
tile-open = ronda { $round }: sin evaluar
tile-score = puntuación { $score } ({ $mark })
tile-moved = { $count } parámetros movidos
term-round = ¿Qué es una ronda?
term-round-means = Todos entrenan un rato por su cuenta y luego envían lo que aprendieron. Las partes aceptadas se suman, y la siguiente ronda empieza desde el resultado.
term-gradient-means = Lo que tu tarjeta aprendió en esta ronda, llamado pseudogradiente: la diferencia entre el modelo antes y después. Solo se envían sus partes mayores, con unos pocos bits cada una; el resto se guarda y se suma la próxima vez.

timeline-title = Ronda { $round }
timeline-lane-none = { $phase }: aún no
timeline-lane-running = { $phase }: { $took } hasta ahora
timeline-lane-done = { $phase }: { $took }
timeline-now = ahora { $elapsed }
timeline-deadline = plazo { $at }
timeline-sizes = { $dense } pasaron a { $sent }: { $times } veces menos
timeline-no-deadline = Un ensayo no tiene plazo: su reloj espera a todos.

swarm-title = Pares en este equipo
swarm-credits = Créditos (sin valor)
swarm-note = Cada uno es un proceso propio, con su propia parte del texto. Nada sale de este equipo.

training-none = Aún no se ha entrenado nada
training-none-hint = Pulsa Iniciar. La pérdida, la velocidad y lo que movió tu tarjeta aparecerán aquí, paso a paso.
training-now = Ahora
training-loss = Pérdida
training-speed = Velocidad
training-lr = Tasa de aprendizaje
training-grad = Norma del gradiente
training-moved = Parámetros que moví
training-share = Mi parte de la ronda
chart-loss = Mi pérdida (nats por token)
chart-run-loss = Pérdida en texto reservado del entrenamiento (nats por token)
chart-speed = Velocidad (tokens por segundo)
chart-lr = Tasa de aprendizaje
chart-grad = Norma del gradiente
lamps-title = Mi comprobación antes de enviar
lamps-title-round = Mi comprobación antes de enviar, ronda { $round }
lamps-none = Aún sin comprobar
lamps-none-hint = Antes de cada envío, Covey hace sobre su propio trabajo las comprobaciones de los validadores.
lamp-format = Formato
lamp-liveness = A tiempo
lamp-sync = Al día
lamp-norm = Tamaño
lamp-contribution = Ayuda
lamp-state-pass = bien
lamp-state-warn = cerca de un límite
lamp-state-fail = se rechazaría
lamp-state-unknown = desconocido
term-lamps = ¿Por qué comprobar antes de enviar?
term-lamps-means = Los validadores hacen las mismas comprobaciones en cada contribución. Lo que se rechazaría se ve aquí primero, con las cifras que lo explican.
layers-title = Lo que moví, capa por capa
layers-title-round = Lo que moví en la ronda { $round }, capa por capa
layers-none = Aún no se ha movido nada
layers-none-hint = Tras la primera ronda, esta franja muestra en qué capas hizo más cambios tu tarjeta.
layers-input = entrada
layers-output = salida
layers-sum = { $moved } de { $of } parámetros
term-layers = Cómo leer esto
term-layers-means = Una capa es un paso del modelo, desde el texto que entra hasta la palabra que sale. Cuanto más brillante y alta es la línea, mayor es la parte de los parámetros de la capa que moviste.
layer-moved = { $name }: { $moved } de { $of } movidos ({ $percent })
layer-share = tu parte de la ronda { $share }
layer-share-unknown = tu parte se conoce al terminar la ronda
sample-title = Texto del modelo
sample-then = Cuando te uniste
sample-now = Ahora
sample-none = Aún no hay texto
sample-round = con los parámetros de la ronda { $round }
sample-prompt = Comienzo del texto
sample-prompt-hint = Un comienzo, o nada
sample-ask = Continuar el texto
sample-not-now = El modelo escribe mientras entrena.

network-none = Aún no hay pares
network-none-hint = Cuando hay un entrenamiento en marcha, aquí están los demás pares y cómo se llega a cada uno.
network-local = Todo ocurre en este equipo
network-local-hint = Los pares de un ensayo son procesos de este equipo. No se envía nada por la red, así que no hay que llegar a nadie ni contar volumen.
network-rate = Subida y bajada
network-up = subida
network-down = bajada
network-up-now = Subida ahora
network-down-now = Bajada ahora
milliseconds = { $ms } ms
reach-title = ¿Pueden otros llegar a este equipo?
reach-unknown = Aún sin comprobar
reach-unknown-hint = Se averigua al iniciar un entrenamiento compartido.
reach-not-needed = No hace falta
reach-not-needed-hint = Todo ocurre en este equipo.
reach-open = Sí, directamente
reach-open-hint = Es lo mejor posible.
reach-punched = Sí, a través del router
reach-punched-hint = El router deja entrar las respuestas. Es tan bueno como una conexión directa.
reach-relayed = Solo mediante un repetidor
reach-relayed-hint = Funciona, pero más lento. Permitir UPnP en el router o redirigir un puerto lo hace más rápido.
reach-blocked = No
reach-blocked-hint = Un cortafuegos lo impide. Permite Covey en él o usa otra conexión.
month-title = Este mes
month-used = Subida y bajada juntas
month-no-quota = No hay límite.
month-split = { $up } de subida, { $down } de bajada
month-change = Cambiar el límite
peers-title = { $count ->
    [one] Otro par
   *[other] Otros { $count } pares
}
peers-me = este equipo
peers-name = Par
peers-path = Ruta
peers-rtt = Ida y vuelta
peers-doing = Actividad
peers-verdict = Último veredicto
peers-here = aquí
peers-no-verdict = aún ninguno
path-local = en este equipo
path-direct = directa
path-relayed = por un repetidor
path-bucket = por un bucket
term-paths = ¿Qué significan las líneas?
term-paths-means = Línea continua: los dos equipos se comunican directamente. Rayas: un repetidor pasa datos sellados. Puntos: ambos usan un bucket de almacenamiento. Sin línea: aún no se sabe.

help-doctor = Revisión
help-log = Registro
help-report = Informe
help-about = Acerca de
doctor-title = Revisión
doctor-none = Aún no se ha comprobado nada
doctor-none-hint = La revisión examina tarjeta, controlador, disco, reloj, red y llavero, y dice qué hacer.
doctor-check = Comprobar todo
doctor-checking = Comprobando…
doctor-all-good = Todo está bien
doctor-limited = { $count ->
    [one] Una cosa funciona con limitaciones
   *[other] { $count } cosas funcionan con limitaciones
}
doctor-bad = { $count ->
    [one] Una cosa no funciona
   *[other] { $count } cosas no funcionan
}
check-gpu = Tarjeta gráfica
check-driver = Controlador
check-disk = Disco
check-clock = Reloj
check-network = Red
check-keychain = Llavero
check-memory = Memoria
check-peer = Entrenador
check-tray = Icono de la bandeja
check-state-bad = no funciona
check-state-limited = con limitaciones
check-state-not-run = sin comprobar
check-state-good = bien
uptime-title = Los últimos 30 días
uptime-none = Aún no hay nada registrado. El entrenamiento, las pausas y los fallos de los últimos 30 días aparecerán aquí.
uptime-training = Entrenando
uptime-paused = En pausa
uptime-updating = Actualizando
uptime-down = Con problemas
uptime-off = Sin actividad
uptime-days = -{ $days } d
uptime-span = { $what } durante { $took }, hasta hace { $ago }
log-none = El registro está vacío
log-none-hint = Lo que hace el entrenador se escribe aquí, línea por línea.
log-search = Buscar en el registro
log-looking = Buscando…
log-nothing-found = Ninguna línea tiene ese nivel y ese texto. Elige un nivel más bajo u otro texto.
log-list = Registro, { $count } líneas
log-count = { $count } líneas, horas en UTC
log-copy = { $count ->
    [one] Copiar una línea
   *[other] Copiar { $count } líneas
}
log-copy-all = Copiar todo
level-debug = Depuración
level-info = Información
level-warn = Advertencia
level-error = Error
report-none = Un informe para quienes te ayudan
report-none-hint = Contiene la versión, los ajustes y las últimas líneas del registro. Los nombres, direcciones, claves y rutas se tachan, y ves cada archivo antes de guardarlo.
report-make = Preparar un informe
report-id = Informe
report-blacked-out = Tachado
report-look = Esto es todo lo que contiene el informe, exactamente como se guardaría.
report-save = Guardar el informe
report-anew = Prepararlo de nuevo
report-stays = No se envía nada. El informe es un archivo en este equipo; tú decides quién lo recibe.
report-saved = Guardado: { $path }
report-copy-path = Copiar la ruta
about-what = Covey entrena modelos de lenguaje junto con muchas personas. Es software libre, sin cuentas y sin una empresa detrás del mostrador.
about-version = Versión
about-folder = Carpeta de datos
about-open-folder = Abrir la carpeta
about-copy-folder = Copiar la ruta
about-source = Código fuente
about-licence = Licencia
about-changes = Novedades
