"""What a maker of pumps and drives works with: kinds of items, what each kind is built of, and how it is made.

Belongs here: these tables as data. Doesn't belong here: single items and bills (`items`, `blueprint`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

# kind, pool it is picked from, level, share of all items in 1/1000, least number, base unit, item type, tracked by,
# cost in EUR from and to (bought kinds), lead time in days from and to, usual lot from and to, storage, suppliers'
# trade
# Shares add up to less than 1000; screws take the rest.
_KINDS = """
    ('kit',         'kit',         8,  8, 1, 'SET', 'made',       '',       0,    0,    2,  4,   2,    4, 'FIN',  ''),
    ('pump',        'product',     7, 24, 1, 'EA',  'made',       '',       0,    0,    3,  6,   4,   10, 'FIN',  ''),
    ('drive',       'product',     7, 16, 1, 'EA',  'made',       'serial', 0,    0,    3,  6,   4,   10, 'FIN',  ''),
    ('main',        'main',        6, 40, 2, 'EA',  'made',       '',       0,    0,    2,  5,   6,   12, 'SEM',  ''),
    ('module',      'module',      5, 50, 2, 'EA',  'made',       '',       0,    0,    2,  5,   10,  20, 'SEM',  ''),
    ('subassembly', 'sub',         4, 60, 2, 'EA',  'made',       '',       0,    0,    2,  4,   15,  40, 'SEM',  ''),
    ('phantom_set', 'sub',         4, 10, 1, 'EA',  'phantom',    '',       0,    0,    1,  1,   10,  20, 'SEM',  ''),
    ('board',       'elec',        3, 40, 2, 'EA',  'made',       'lot',    0,    0,    3,  6,   25,  60, 'ELC',
        'boards'),
    ('harness',     'elec',        3, 20, 1, 'EA',  'made',       '',       0,    0,    2,  4,   25,  60, 'ELC',  ''),
    ('machined',    'machined',    2, 40, 2, 'EA',  'made',       '',       0,    0,    4,  8,   30,  60, 'SEM',
        'machining'),
    ('panel',       'panel',       2, 20, 1, 'EA',  'made',       '',       0,    0,    2,  4,   50, 100, 'ELC',  ''),
    ('blank',       'blank',       1, 30, 1, 'EA',  'made',       '',       0,    0,    2,  4,   50, 100, 'RAW',  ''),
    ('board_blank', 'board_blank', 1, 15, 1, 'EA',  'made',       '',       0,    0,    2,  4,   80, 160, 'ELC',  ''),
    ('mix',         'mix',         1, 15, 1, 'KGM', 'made',       'lot',    0,    0,    1,  3,   20,  60, 'CHM',  ''),
    ('washer',      'washer',      0, 30, 1, 'EA',  'bought',     '',       0.01, 0.2,  5, 15, 500, 2000, 'RAW',
        'fasteners'),
    ('bearing',     'bearing',     0, 30, 1, 'EA',  'bought',     '',       2,    40,  10, 30,  50,  200, 'RAW',
        'mechanics'),
    ('seal',        'seal',        0, 40, 2, 'EA',  'bought',     '',       0.5,  15,   7, 21, 100,  400, 'RAW',
        'mechanics'),
    ('casting',     'casting',     0, 50, 2, 'EA',  'bought',     '',       15,   180, 20, 45,  20,   80, 'RAW',
        'castings'),
    ('bar',         'bar',         0, 20, 1, 'MTR', 'bought',     'lot',    4,    30,  10, 25,  60,  240, 'RAW',
        'metals'),
    ('cable',       'cable',       0, 30, 1, 'MTR', 'bought',     '',       0.3,  6,    7, 20, 100,  500, 'ELC',
        'electrics'),
    ('paint',       'paint',       0, 15, 1, 'LTR', 'bought',     'lot',    6,    25,   5, 15,  20,   80, 'CHM',
        'chemicals'),
    ('grease',      'grease',      0, 10, 1, 'KGM', 'bought',     'lot',    5,    30,   5, 15,  20,   60, 'CHM',
        'chemicals'),
    ('chemical',    'chemical',    0, 15, 2, 'KGM', 'bought',     'lot',    4,    35,   7, 20,  50,  200, 'CHM',
        'chemicals'),
    ('adhesive',    'adhesive',    0,  5, 1, 'KGM', 'bought',     'lot',    20,   90,   7, 20,  10,   40, 'CHM',
        'chemicals'),
    ('motor',       'motor',       0, 20, 1, 'EA',  'bought',     'serial', 90,   900, 20, 45,   5,   20, 'RAW',
        'motors'),
    ('sensor',      'sensor',      0, 20, 1, 'EA',  'bought',     '',       8,    90,  10, 35,  40,  160, 'ELC',
        'electronics'),
    ('resistor',    'resistor',    0, 60, 3, 'EA',  'bought',     '',       0.01, 0.1,  7, 28, 1000, 5000, 'ELC',
        'electronics'),
    ('capacitor',   'capacitor',   0, 50, 3, 'EA',  'bought',     '',       0.02, 0.6,  7, 28, 1000, 5000, 'ELC',
        'electronics'),
    ('ic',          'ic',          0, 40, 3, 'EA',  'bought',     '',       0.5,  18,  14, 56, 200,  800, 'ELC',
        'electronics'),
    ('connector',   'connector',   0, 40, 2, 'EA',  'bought',     '',       0.2,  6,    7, 28, 200,  800, 'ELC',
        'electronics'),
    ('laminate',    'laminate',    0, 10, 1, 'EA',  'bought',     '',       1,    9,   14, 28, 200,  600, 'ELC',
        'boards'),
    ('firmware',    'firmware',    0, 10, 1, 'EA',  'bought',     '',       2,    12,   1,  3, 100,  400, 'ELC',
        'software'),
    ('label',       'label',       0, 10, 1, 'EA',  'bought',     '',       0.02, 0.3,  5, 10, 500, 2000, 'FIN',
        'packaging'),
    ('carton',      'carton',      0, 10, 1, 'EA',  'bought',     '',       0.6,  5,    5, 10, 100,  300, 'FIN',
        'packaging'),
    ('pallet',      'pallet',      0,  5, 1, 'EA',  'bought',     '',       6,    14,   5, 10,  20,   60, 'FIN',
        'packaging'),
    ('manual',      'manual',      0, 10, 1, 'EA',  'bought',     '',       0.8,  4,    5, 12, 100,  300, 'FIN',
        'packaging'),
    ('consumable',  'consumable',  0, 10, 1, 'EA',  'consumable', '',       0.1,  2,    5, 10, 200,  600, 'RAW',
        'packaging'),
    ('scrap_metal', 'scrap_metal', 0,  3, 1, 'KGM', 'bought',     '',       0.2,  0.9,  5, 10, 100,  300, 'RAW',
        'metals'),
    ('plate',       'plate',       0,  5, 1, 'EA',  'bought',     '',       2,    9,    7, 20,  50,  200, 'RAW',
        'metals'),
    ('screw',       'screw',       0, 60, 2, 'EA',  'bought',     '',       0.02, 0.9,  5, 15, 500, 2000, 'RAW',
        'fasteners')
"""

# kind, words for the item and for what tells it from others
_WORDS = """
    ('kit', ['Pump station kit', 'Retrofit kit', 'Service kit']),
    ('pump', ['Centrifugal pump', 'Gear pump', 'Multistage pump', 'Submersible pump', 'Dosing pump']),
    ('drive', ['Frequency drive', 'Servo drive', 'Compact drive', 'Soft starter']),
    ('main', ['Pump head assembly', 'Drive assembly', 'Base frame assembly', 'Control cabinet']),
    ('module', ['Hydraulic module', 'Power module', 'Bearing module', 'Cooling module', 'Operator module']),
    ('subassembly', ['Rotor assembly', 'Valve assembly', 'Controller box', 'Terminal box', 'Seal carrier assembly']),
    ('phantom_set', ['Fitting set', 'Mounting set', 'Connection set']),
    ('board', ['Controller board', 'Inverter board', 'Interface board', 'Sensor board']),
    ('harness', ['Motor harness', 'Signal harness', 'Cabinet harness']),
    ('machined', ['Machined housing', 'Impeller', 'Shaft', 'Bearing cover', 'Flange']),
    ('panel', ['Prepared panel', 'Board panel']),
    ('blank', ['Turned blank', 'Sawn blank', 'Milled blank']),
    ('board_blank', ['Coated board blank', 'Drilled board blank']),
    ('mix', ['Two-component paint', 'Casting resin', 'Sealing compound']),
    ('washer', ['Washer', 'Spring washer', 'Tooth lock washer']),
    ('bearing', ['Ball bearing', 'Roller bearing', 'Thrust bearing']),
    ('seal', ['O-ring', 'Shaft seal', 'Gasket', 'Lip seal']),
    ('casting', ['Raw casting housing', 'Raw casting cover', 'Raw casting impeller']),
    ('bar', ['Round bar', 'Hexagonal bar', 'Flat bar']),
    ('cable', ['Power cable', 'Signal cable', 'Ribbon cable', 'Stranded wire']),
    ('paint', ['Top coat', 'Primer', 'Corrosion protection']),
    ('grease', ['Bearing grease', 'Assembly paste', 'Food grade grease']),
    ('chemical', ['Epoxy resin', 'Hardener', 'Flux', 'Filler']),
    ('adhesive', ['Thread locker', 'Structural adhesive']),
    ('motor', ['Asynchronous motor', 'Synchronous motor', 'Stepper motor']),
    ('sensor', ['Pressure sensor', 'Temperature sensor', 'Flow sensor', 'Encoder']),
    ('resistor', ['Resistor 0603', 'Resistor 0805', 'Shunt resistor']),
    ('capacitor', ['Ceramic capacitor', 'Electrolytic capacitor', 'Film capacitor']),
    ('ic', ['Microcontroller', 'Gate driver', 'Amplifier', 'Voltage regulator', 'Transceiver']),
    ('connector', ['Pin header', 'Terminal block', 'Circular connector']),
    ('laminate', ['Laminate FR4', 'Laminate IMS']),
    ('firmware', ['Controller firmware', 'Drive firmware', 'Bootloader']),
    ('label', ['Type label', 'Warning label']),
    ('carton', ['Carton', 'Box insert']),
    ('pallet', ['Wooden pallet', 'Transport frame']),
    ('manual', ['Operating manual', 'Safety instructions']),
    ('consumable', ['Cleaning cloth', 'Masking tape', 'Glove']),
    ('scrap_metal', ['Steel turnings', 'Cast iron turnings']),
    ('plate', ['Counter plate', 'Spacer plate']),
    ('screw', ['Cylinder screw', 'Hexagon screw', 'Countersunk screw', 'Set screw'])
"""

# parent kind, slot, pool of the component, how it is chosen (spine: the pool's members in turn, so that all are used;
# near: any of the same site group; far: of any group; pick: any), share of parents that have it in 1/1000, quantity
# from
# and to, how the quantity is worded, place of the operation in the routing, kind of line, designator's letter
_SLOTS = """
    ('kit',  10, 'product', 'spine', 1000, 1, 1,  'each',  1, 'component', ''),
    ('kit',  20, 'seal',    'pick',  1000, 1, 4,  'each',  1, 'component', ''),
    ('kit',  30, 'sensor',  'pick',   600, 1, 1,  'each',  1, 'component', ''),
    ('kit',  40, 'screw',   'pick',   800, 4, 12, 'each',  1, 'component', ''),
    ('kit',  50, 'carton',  'pick',  1000, 1, 2,  'each',  1, 'packaging', ''),
    ('pump', 10, 'main',    'spine', 1000, 1, 1,  'each',  1, 'component', ''),
    ('pump', 20, 'module',  'near',   300, 1, 1,  'each',  1, 'component', ''),
    ('pump', 30, 'motor',   'pick',  1000, 1, 1,  'each',  1, 'component', ''),
    ('pump', 40, 'screw',   'pick',  1000, 4, 16, 'each',  1, 'component', ''),
    ('pump', 45, 'washer',  'pick',   900, 4, 16, 'each',  1, 'component', ''),
    ('pump', 50, 'seal',    'pick',   800, 1, 4,  'each',  1, 'component', ''),
    ('pump', 60, 'paint',   'pick',   900, 4, 24, 'litre', 2, 'component', ''),
    ('pump', 70, 'mix',     'near',   250, 1, 8,  'mass',  2, 'component', ''),
    ('pump', 80, 'label',   'pick',  1000, 1, 2,  'each',  3, 'packaging', ''),
    ('pump', 90, 'carton',  'pick',  1000, 1, 1,  'each',  3, 'packaging', ''),
    ('pump', 95, 'pallet',  'pick',   700, 1, 1,  'fixed', 3, 'packaging', ''),
    ('pump', 97, 'manual',  'pick',  1000, 1, 1,  'each',  3, 'packaging', ''),
    ('drive', 10, 'main',   'spine', 1000, 1, 1,  'each',  1, 'component', ''),
    ('drive', 20, 'elec',   'near',   500, 1, 1,  'each',  1, 'component', ''),
    ('drive', 30, 'firmware', 'pick', 1000, 1, 1, 'each',  2, 'component', ''),
    ('drive', 40, 'cable',  'pick',  1000, 2, 20, 'metre', 1, 'component', ''),
    ('drive', 50, 'screw',  'pick',  1000, 4, 12, 'each',  1, 'component', ''),
    ('drive', 55, 'connector', 'pick', 800, 1, 4, 'each',  1, 'component', ''),
    ('drive', 60, 'label',  'pick',  1000, 1, 3,  'each',  3, 'packaging', ''),
    ('drive', 70, 'carton', 'pick',  1000, 1, 1,  'each',  3, 'packaging', ''),
    ('drive', 80, 'manual', 'pick',  1000, 1, 1,  'each',  3, 'packaging', ''),
    ('main', 10, 'module',  'spine', 1000, 1, 1,  'each',  1, 'component', ''),
    ('main', 20, 'module',  'spine',  500, 1, 1,  'each',  1, 'component', ''),
    ('main', 30, 'casting', 'pick',   900, 1, 2,  'each',  1, 'component', ''),
    ('main', 40, 'screw',   'pick',  1000, 6, 24, 'each',  2, 'component', ''),
    ('main', 42, 'screw',   'pick',   700, 2, 8,  'each',  2, 'component', ''),
    ('main', 45, 'washer',  'pick',   900, 6, 24, 'each',  2, 'component', ''),
    ('main', 50, 'grease',  'pick',   600, 1, 4,  'mass',  2, 'component', ''),
    ('main', 60, 'cable',   'pick',   500, 1, 16, 'metre', 2, 'component', ''),
    ('main', 65, 'sensor',  'pick',   500, 1, 2,  'each',  2, 'component', ''),
    ('main', 67, 'seal',    'pick',   700, 1, 3,  'each',  1, 'component', ''),
    ('main', 70, 'machined', 'far',   150, 1, 2,  'each',  1, 'component', ''),
    ('main', 80, 'consumable', 'pick', 300, 1, 3, 'each',  2, 'consumable', ''),
    ('module', 10, 'sub',   'spine', 1000, 1, 1,  'each',  1, 'component', ''),
    ('module', 20, 'sub',   'spine',  500, 1, 2,  'each',  1, 'component', ''),
    ('module', 30, 'bearing', 'pick', 800, 1, 2,  'each',  1, 'component', ''),
    ('module', 40, 'seal',  'pick',   800, 1, 4,  'each',  1, 'component', ''),
    ('module', 45, 'washer', 'pick',  800, 4, 16, 'each',  2, 'component', ''),
    ('module', 50, 'screw', 'pick',  1000, 4, 16, 'each',  2, 'component', ''),
    ('module', 55, 'screw', 'pick',   500, 2, 8,  'each',  2, 'component', ''),
    ('module', 60, 'grease', 'pick',  500, 1, 3,  'mass',  2, 'component', ''),
    ('module', 65, 'adhesive', 'pick', 400, 1, 2, 'mass',  2, 'component', ''),
    ('module', 70, 'panel', 'far',    100, 1, 1,  'each',  1, 'component', ''),
    ('module', 80, 'consumable', 'pick', 200, 2, 6, 'fixed', 2, 'consumable', ''),
    ('subassembly', 10, 'elec',   'spine', 1000, 1, 1, 'each', 1, 'component', ''),
    ('subassembly', 20, 'machined', 'near', 700, 1, 1, 'each', 1, 'component', ''),
    ('subassembly', 30, 'sensor', 'pick',  500, 1, 2,  'each', 1, 'component', ''),
    ('subassembly', 40, 'screw',  'pick', 1000, 2, 12, 'each', 2, 'component', ''),
    ('subassembly', 45, 'screw',  'pick',  700, 2, 6,  'each', 2, 'component', ''),
    ('subassembly', 50, 'washer', 'pick',  700, 2, 12, 'each', 2, 'component', ''),
    ('subassembly', 55, 'seal',   'pick',  800, 1, 3,  'each', 1, 'component', ''),
    ('subassembly', 60, 'adhesive', 'pick', 400, 1, 2, 'mass', 2, 'component', ''),
    ('subassembly', 70, 'connector', 'pick', 600, 1, 3, 'each', 1, 'component', ''),
    ('subassembly', 80, 'blank',  'far',   100, 1, 2,  'each', 1, 'component', ''),
    ('phantom_set', 10, 'elec',   'spine', 1000, 1, 1, 'each', 1, 'component', ''),
    ('phantom_set', 20, 'screw',  'pick', 1000, 4, 16, 'each', 1, 'component', ''),
    ('phantom_set', 30, 'washer', 'pick', 1000, 4, 16, 'each', 1, 'component', ''),
    ('phantom_set', 40, 'seal',   'pick',  700, 1, 2,  'each', 1, 'component', ''),
    ('board', 10, 'panel',     'spine', 1000, 1, 1, 'each', 1, 'component', ''),
    ('board', 20, 'resistor',  'pick',  1000, 2, 9, 'each', 1, 'component', 'R'),
    ('board', 21, 'resistor',  'pick',  1000, 1, 6, 'each', 1, 'component', 'R'),
    ('board', 22, 'resistor',  'pick',   800, 1, 6, 'each', 1, 'component', 'R'),
    ('board', 23, 'resistor',  'pick',   600, 1, 4, 'each', 1, 'component', 'R'),
    ('board', 24, 'resistor',  'pick',   700, 1, 5, 'each', 1, 'component', 'R'),
    ('board', 30, 'capacitor', 'pick',  1000, 2, 8, 'each', 1, 'component', 'C'),
    ('board', 31, 'capacitor', 'pick',   900, 1, 5, 'each', 1, 'component', 'C'),
    ('board', 32, 'capacitor', 'pick',   600, 1, 3, 'each', 1, 'component', 'C'),
    ('board', 33, 'capacitor', 'pick',   700, 1, 4, 'each', 1, 'component', 'C'),
    ('board', 40, 'ic',        'pick',  1000, 1, 2, 'each', 1, 'component', 'U'),
    ('board', 41, 'ic',        'pick',   800, 1, 1, 'each', 1, 'component', 'U'),
    ('board', 42, 'ic',        'pick',   600, 1, 2, 'each', 1, 'component', 'U'),
    ('board', 50, 'connector', 'pick',  1000, 1, 4, 'each', 2, 'component', 'J'),
    ('board', 51, 'connector', 'pick',   600, 1, 2, 'each', 2, 'component', 'J'),
    ('board', 60, 'firmware',  'pick',   800, 1, 1, 'each', 3, 'component', ''),
    ('board', 70, 'consumable', 'pick',  300, 1, 4, 'fixed', 1, 'consumable', ''),
    ('harness', 10, 'machined', 'spine', 1000, 1, 1, 'each', 1, 'component', ''),
    ('harness', 20, 'cable',   'pick', 1000, 2, 30, 'metre', 1, 'component', ''),
    ('harness', 21, 'cable',   'pick',  700, 2, 30, 'metre', 1, 'component', ''),
    ('harness', 30, 'connector', 'pick', 1000, 2, 4, 'each', 2, 'component', ''),
    ('harness', 31, 'connector', 'pick', 700, 1, 2, 'each', 2, 'component', ''),
    ('harness', 35, 'screw',   'pick',  600, 2, 6,  'each', 2, 'component', ''),
    ('harness', 40, 'label',   'pick',  600, 1, 2,  'each',  2, 'component', ''),
    ('machined', 10, 'blank',  'spine', 1000, 1, 1, 'each',  1, 'component', ''),
    ('machined', 20, 'casting', 'pick', 400, 1, 1,  'each',  1, 'component', ''),
    ('machined', 30, 'plate',  'pick',  300, 1, 2,  'each',  1, 'component', ''),
    ('machined', 35, 'seal',   'pick',  600, 1, 2,  'each',  1, 'component', ''),
    ('machined', 37, 'screw',  'pick',  600, 2, 6,  'each',  1, 'component', ''),
    ('machined', 40, 'paint',  'pick',  300, 1, 4,  'litre', 2, 'component', ''),
    ('machined', 50, 'scrap_metal', 'pick', 600, 1, 6, 'mass', 1, 'by_product', ''),
    ('panel', 10, 'board_blank', 'spine', 1000, 1, 1, 'each', 1, 'component', ''),
    ('panel', 20, 'mix',       'near',  500, 1, 1,  'mass',  1, 'component', ''),
    ('panel', 30, 'chemical',  'pick',  700, 1, 1,  'mass',  1, 'component', ''),
    ('blank', 10, 'bar',       'pick', 1000, 1, 6,  'metre', 1, 'component', ''),
    ('blank', 20, 'scrap_metal', 'pick', 800, 1, 4, 'mass',  1, 'by_product', ''),
    ('blank', 30, 'plate',     'pick',  250, 1, 1,  'each',  1, 'co_product', ''),
    ('board_blank', 10, 'laminate', 'pick', 1000, 1, 1, 'each', 1, 'component', ''),
    ('board_blank', 20, 'chemical', 'pick', 700, 1, 1, 'mass', 1, 'component', ''),
    ('mix', 10, 'chemical',    'pick', 1000, 6, 16, 'mass',  1, 'component', ''),
    ('mix', 20, 'chemical',    'pick', 1000, 4, 8,  'mass',  1, 'component', ''),
    ('mix', 30, 'paint',       'pick',  300, 1, 4,  'litre', 1, 'component', '')
"""

# kind, place of the operation, kind of work center, setup minutes, run minutes per unit
_OPERATIONS = """
    ('kit', 1, 'PACK', 10, 6),
    ('pump', 1, 'ASSY', 20, 35), ('pump', 2, 'PAINT', 25, 12), ('pump', 3, 'TEST', 15, 10),
    ('drive', 1, 'ASSY', 20, 25), ('drive', 2, 'TEST', 15, 12), ('drive', 3, 'PACK', 10, 4),
    ('main', 1, 'ASSY', 15, 20), ('main', 2, 'ASSY', 5, 8),
    ('module', 1, 'ASSY', 12, 12), ('module', 2, 'TEST', 10, 5),
    ('subassembly', 1, 'ASSY', 10, 8), ('subassembly', 2, 'ASSY', 5, 4),
    ('phantom_set', 1, 'ASSY', 0, 1),
    ('board', 1, 'SMT', 40, 2), ('board', 2, 'ASSY', 10, 3), ('board', 3, 'TEST', 15, 4),
    ('harness', 1, 'CABLE', 12, 6), ('harness', 2, 'TEST', 5, 2),
    ('machined', 1, 'MACH', 45, 14), ('machined', 2, 'PAINT', 15, 4),
    ('panel', 1, 'SMT', 15, 1),
    ('blank', 1, 'MACH', 20, 3),
    ('board_blank', 1, 'SMT', 15, 1),
    ('mix', 1, 'MIX', 25, 2)
"""


def create(con: DuckDBPyConnection) -> None:
    """Make world.kind, world.kind_word, world.slot and world.kind_operation."""
    con.execute(
        f"""
        create or replace table world.kind as
        select
            kind, pool, level, share, least, base_unit, item_type, tracked_by,
            cast(cost_from as decimal(18, 6)) as cost_from,
            cast(cost_to as decimal(18, 6)) as cost_to,
            lead_from, lead_to, lot_from, lot_to, storage, trade,
            kind_ordinal
        from (
            select *, row_number() over () as kind_ordinal
            from (values {_KINDS}) as kinds (
                kind, pool, level, share, least, base_unit, item_type, tracked_by, cost_from, cost_to, lead_from,
                    lead_to,
                lot_from, lot_to, storage, trade
            )
        )
        """
    )
    con.execute(f"create or replace table world.kind_word as select * from (values {_WORDS}) as words (kind, words)")
    con.execute(
        f"""
        create or replace table world.slot as
        select *
        from (values {_SLOTS}) as slots (
            parent_kind, slot, pool, choice, share, quantity_from, quantity_to, wording, operation_place, role, letter
        )
        """
    )
    con.execute(
        f"""
        create or replace table world.kind_operation as
        select *
        from (values {_OPERATIONS}) as operations (kind, place, work, setup_minutes, run_minutes)
        """
    )
